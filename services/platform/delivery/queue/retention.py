"""Deletes old deliveries, their attempts and withdrawals: the audit keeps the record, and bodies are not kept for ever."""

from datetime import timedelta

from services.platform.delivery import metrics
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.periodic import Repeating
from services.platform.store.query import Query, all_rows
from services.platform.store.unit_of_work import Store

EVERY_SECONDS = 600.0
AT_ONCE = 500


OLD = """
    WITH old AS (
        SELECT id FROM delivery.deliveries d
        WHERE created_at < %(before)s AND changed_at < %(before)s AND state NOT IN ('waiting', 'sending', 'unknown')
            AND NOT ({kept})
        ORDER BY created_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
    )
    DELETE FROM delivery.deliveries USING old WHERE deliveries.id = old.id RETURNING deliveries.id
"""
OLD_WITHDRAWALS = "DELETE FROM delivery.withdrawals WHERE at < %(before)s"


class Pruning:
    """Prunes a service's own rows. `kept`: the condition, of the row `d`, of those that it still needs, however old; unsent ones are
    never deleted.
    """

    def __init__(self, store: Store, clocks: Clocks, retention: timedelta, kept: str = "false") -> None:
        self._store, self._clocks, self._retention = store, clocks, retention
        self._old = OLD.format(kept=kept)

    def repeating(self) -> Repeating:
        return Repeating("pruning", self.turn, every_seconds=EVERY_SECONDS)

    async def turn(self) -> bool:
        """True while there is more. Attempts go with their delivery."""
        which = {"before": self._clocks.wall() - self._retention, "most": AT_ONCE}
        async with self._store.transaction() as uow:
            pruned, _ = await uow.fetch(Query(self._old, which, len), Query(OLD_WITHDRAWALS, which, all_rows))
        metrics.PRUNED.inc(pruned)
        return pruned == AT_ONCE
