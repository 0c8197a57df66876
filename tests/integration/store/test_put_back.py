"""What Kafka has lost goes back into the outbox, a part at a time."""

from services.platform.runtime.clocks import Clocks
from services.platform.store import outbox
from services.platform.store.outbox import Written
from services.platform.store.query import Query
from services.platform.store.unit_of_work import Origin, Store
from tests.support.engines.database import Database

TOPIC, LOG = "child-events", "cluster/topic"
OURS = "WHERE position > 7000000 ORDER BY position"
KEPT = "INSERT INTO published VALUES (%(position)s, %(key)s, %(topic)s, '', %(log)s, 0, %(epoch)s, %(place)s, now())"


async def test_the_oldest_go_back_first_and_what_was_not_lost_stays(database: Database) -> None:
    store = Store(database.engine("clock"), origin=Origin("clock", Clocks()))
    rows = [(4, "d", 1, 12), (1, "a", 1, 10), (3, "c", 1, 11), (2, "b", 1, 9), (5, "e", 2, 12)]
    async with store.transaction() as uow:
        for position, key, epoch, place in rows:
            about = {"position": 7_000_000 + position, "key": key, "epoch": epoch, "place": place}
            uow.write(KEPT, about | {"topic": TOPIC, "log": LOG})
    back = []
    for _ in range(3):
        async with store.engine.begin() as connection:
            back.append(await outbox.put_back(connection, [Written(TOPIC, LOG, 0, 1, ends_at=10)], most=2))
    assert [sorted(each) for each in back] == [["a", "c"], ["d"], []]
    async with store.read() as reader:
        left, waiting = await reader.fetch(
            Query(f"SELECT key FROM published {OURS}", {}, list), Query(f"SELECT key FROM outbox {OURS}", {}, list)
        )
    assert [[key for (key,) in each] for each in (left, waiting)] == [["b", "e"], ["a", "c", "d"]]
    await store.close()
