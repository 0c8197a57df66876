"""Deletes a service's rows whose time is over, a few at once, and says how many on the evidence topic."""

from datetime import datetime, timedelta

from services.platform.runtime.clocks import Clocks
from services.platform.runtime.periodic import Repeating
from services.platform.store.disposal.schedule import Record, Sweep, schedule
from services.platform.store.query import PLAN_BY_VALUES, Query, all_rows, scalar
from services.platform.store.unit_of_work import Store
from services.safeguarding.duty.evidence import RecordDisposed

EVERY_SECONDS = 3600.0
AT_ONCE = 500
MAY_SWEEP = Query("SELECT pg_try_advisory_xact_lock_shared(hashtextextended('deletions', 0))", {}, scalar)
ALONE = Query("SELECT pg_advisory_xact_lock(hashtextextended('deletions', 0))", {}, all_rows)
"""Nobody else sweeps, erases or holds until the transaction's end: a hold is of what is there, and all of it stays."""
SOONEST = "SELECT disposal.soonest(%(name)s, %(usual)s)"


def soonest(name: str, record: Record) -> Query[timedelta]:
    """The shortest time for which anybody keeps it: younger rows need not be asked whose they are."""
    return Query(SOONEST, {"name": name, "usual": record.kept or timedelta.max}, scalar)


def old_rows(name: str, record: Record, sweep: Sweep, now: datetime, kept: timedelta) -> Query[int]:
    """Deletes the first of those older than `kept`, and says how many. A row that is changed meanwhile stays."""
    sql = f"""
        DELETE FROM {sweep.table} WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM {sweep.table} d WHERE {sweep.since} < %(before)s AND ({sweep.where}) AND disposal.is_over(
                %(name)s, {sweep.since}, %(now)s, %(usual)s, {sweep.about}, {sweep.authority}) LIMIT %(most)s
        )) RETURNING true
    """  # noqa: S608 our own words, from `retention.yaml`
    usual = record.kept or timedelta.max
    return Query(sql, {"name": name, "now": now, "usual": usual, "before": now - kept, "most": AT_ONCE}, len)


class Disposal:
    """Sweeps the tables that `retention.yaml` names for the store's service.

    By wall time: a row that bears story time is never taken too early, since story time is never behind.
    """

    def __init__(self, store: Store, clocks: Clocks, service: str) -> None:
        self._store, self._clocks = store, clocks
        self.sweeps = [
            (name, record, sweep)
            for name, record in schedule().records.items()
            for sweep in record.sweeps
            if service in sweep.services
        ]

    def repeating(self) -> Repeating:
        return Repeating("disposal", self.turn, every_seconds=EVERY_SECONDS)

    async def turn(self) -> bool:
        """True while there is more. Each table in a transaction of its own: if one fails, the others are swept all the
        same. Raises its error then.
        """
        more, failure = False, None
        for each in self.sweeps:
            try:
                more |= await self._sweep(*each) == AT_ONCE
            except Exception as error:  # noqa: BLE001 raised below
                failure = error
        if failure is not None:
            raise failure
        return more

    async def _sweep(self, name: str, record: Record, sweep: Sweep) -> int:
        async with self._store.transaction() as uow:
            _, may, kept = await uow.fetch(PLAN_BY_VALUES, MAY_SWEEP, soonest(name, record))
            if not may:
                return 0
            query = old_rows(name, record, sweep, self._clocks.wall(), kept)
            rows = await uow.fetch(query)
            if rows:
                said = RecordDisposed(record=name, table=sweep.table, rows=rows, before=query.parameters["before"])
                uow.publish(said, subject=f"record-{name}")
        return rows
