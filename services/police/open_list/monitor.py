"""Notices that a force's daily list did not come."""

from sqlalchemy import func, select

from services.platform.register import forces
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.periodic import Repeating
from services.platform.store.unit_of_work import Store
from services.police import policy, store
from services.police.open_list.service import say_difference

EVERY_SECONDS = 300.0


class ListWatch:
    """Once a day of silence, whichever of the service's processes looks first."""

    def __init__(self, store: Store, clocks: Clocks) -> None:
        self._store, self._clocks = store, clocks

    def repeating(self) -> Repeating:
        return Repeating("forces' lists", self.turn, every_seconds=EVERY_SECONDS)

    async def turn(self) -> bool:
        at = self._clocks.story()
        async with self._store.transaction() as uow:
            connection = uow.connection
            await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("forces' lists", 0))))
            for force in await forces.that_send_lists(connection):
                ours = await store.standings(connection, force)
                last, asked = await store.last_list(connection, force)
                standing = policy.silent_about(ours.values(), last, asked, at)
                if standing is not None:
                    await say_difference(uow, force, standing, "no-list")
                    await store.asked_after(uow, force, at)
        return False
