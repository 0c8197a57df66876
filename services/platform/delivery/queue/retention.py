"""Deletes old deliveries, their attempts and withdrawals: the audit keeps the record, and bodies are not kept for ever."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select

from services.platform.delivery import metrics
from services.platform.delivery.model import UNSENT
from services.platform.delivery.tables import deliveries, withdrawals
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.periodic import Repeating
from services.platform.store.unit_of_work import Store, UnitOfWork

EVERY_SECONDS = 600.0
AT_ONCE = 500


class Pruning:
    """Prunes a service's own rows. `kept` selects rows that it still needs, however old; unsent ones are never deleted."""

    def __init__(
        self, store: Store, clocks: Clocks, retention: timedelta, kept: ColumnElement[bool] | None = None
    ) -> None:
        self._store, self._clocks, self._retention, self._kept = store, clocks, retention, kept

    def repeating(self) -> Repeating:
        return Repeating("pruning", self.turn, every_seconds=EVERY_SECONDS)

    async def turn(self) -> bool:
        """True while there is more. Attempts go with their delivery."""
        before = self._clocks.wall() - self._retention
        async with self._store.transaction() as uow:
            pruned = await self._deliveries(uow, before)
            await uow.connection.execute(delete(withdrawals).where(withdrawals.c.at < before))
        metrics.PRUNED.inc(pruned)
        return pruned == AT_ONCE

    async def _deliveries(self, uow: UnitOfWork, before: datetime) -> int:
        old = select(deliveries.c.id).where(
            deliveries.c.created_at < before, deliveries.c.changed_at < before, deliveries.c.state.not_in(UNSENT)
        )
        if self._kept is not None:
            old = old.where(~self._kept)
        chosen = old.order_by(deliveries.c.created_at).limit(AT_ONCE).with_for_update(skip_locked=True)
        gone = await uow.connection.execute(
            delete(deliveries).where(deliveries.c.id.in_(chosen)).returning(deliveries.c.id)
        )
        return len(gone.all())
