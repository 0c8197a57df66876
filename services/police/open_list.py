"""Reports differences between a force's list and ours, and a force whose daily list did not come."""

from services.platform.register.organisations import forces_that_send_lists
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.periodic import Repeating, run_each
from services.platform.store.query import Query, all_rows
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.police import metrics, policy, store
from services.police.policy import Difference, ToldEpisode
from services.safeguarding.child_events.events import PoliceListDiffers
from services.safeguarding.identifiers import ForceId

EVERY_SECONDS = 300.0
ONE_PROCESS = Query("SELECT pg_advisory_xact_lock(hashtextextended('forces'' lists', 0))", {}, all_rows)
"""Lets one process look at a time. Another one waits, then sees what the first has recorded."""


class OpenListMonitor:
    """Reports a silent force once a day, however many processes look, and whatever another force has sent."""

    def __init__(self, store: Store, clocks: Clocks) -> None:
        self._store, self._clocks = store, clocks

    def repeating(self) -> Repeating:
        return Repeating("forces' lists", self.turn, every_seconds=EVERY_SECONDS)

    async def turn(self) -> None:
        async with self._store.read() as reader:
            forces = await reader.fetch(forces_that_send_lists(self._clocks.wall()))
        await run_each(self._look_at, forces)

    async def _look_at(self, force: ForceId) -> None:
        at = self._clocks.story()
        async with self._store.transaction() as uow:
            _, ours, (last_list, reported) = await uow.fetch(
                ONE_PROCESS, store.told_episodes(force), store.list_times(force)
            )
            episode = policy.longest_missing_in_silence(ours.values(), last_list, reported, at)
            if episode is not None:
                publish_difference(uow, force, episode, "no-list")
                store.record_silence(uow, force, at)


def publish_difference(uow: UnitOfWork, force: ForceId, told: ToldEpisode, difference: Difference) -> None:
    uow.on_commit(metrics.LIST_DIFFERENCES.labels(difference).inc)
    uow.publish(
        PoliceListDiffers(authority=told.authority, force=force, episode=told.episode, difference=difference),
        subject=told.child,
        exercise=told.exercise,
    )
