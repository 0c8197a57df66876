"""What is done is known for as long as it may come again, and not for ever."""

from datetime import datetime, timedelta
from uuid import uuid4

from services.platform.bus import administration
from services.platform.runtime.clocks import Clocks
from services.platform.store import inbox
from services.platform.store.inbox import FORGOTTEN_AT_ONCE, KEPT, Identity, Mark
from services.platform.store.query import Query
from services.platform.store.unit_of_work import Origin, Store
from tests.support.engines.database import Database


async def published(store: Store, *at: datetime) -> None:
    async with store.transaction() as uow:
        for position, each in enumerate(at):
            row = "INSERT INTO published VALUES (%(position)s, '', '', '', '', 0, 0, 0, %(at)s)"
            uow.write(row, {"position": position, "at": each})


async def test_marks_and_published_messages_are_forgotten_when_none_can_come_again(database: Database) -> None:
    store, clocks, source = (
        Store(database.engine("audit"), origin=Origin("audit", Clocks())),
        Clocks(),
        f"/test/{uuid4()}",
    )
    old, fresh = (
        [Identity(source, f"{age} {n}", b"") for n in range(many)] for age, many in (("old", 1500), ("new", 3))
    )
    async with store.transaction() as uow:
        await inbox.mark_and_ask(uow, old, clocks.wall() - KEPT - timedelta(minutes=1))
        await inbox.mark_and_ask(uow, fresh, clocks.wall() - KEPT + timedelta(minutes=1))
    forgetting = inbox.forgetting(store, clocks, timedelta(hours=72))
    await published(store, clocks.wall() - timedelta(hours=73), clocks.wall() - timedelta(hours=71))
    assert await forgetting._turn() is True
    assert await forgetting._turn() is False
    async with store.read() as reader:
        assert await reader.fetch(Query("SELECT position FROM published", {}, list)) == [(1,)]
    async with store.transaction() as uow:
        assert set((await inbox.mark_and_ask(uow, old, clocks.wall()))[0]) == {Mark.NEW}
        assert set((await inbox.mark_and_ask(uow, fresh, clocks.wall()))[0]) == {Mark.DONE_BEFORE}
    await store.close()
    assert len(old) > FORGOTTEN_AT_ONCE


def test_marks_are_kept_longer_than_any_topic_keeps_a_message() -> None:
    assert all(timedelta(days=each.retention_days) < KEPT for each in administration.read_declaration())
