"""Deletes a service's rows whose time is over, a few at once, and says how many on the evidence topic."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from services.platform.runtime.clocks import Clocks
from services.platform.runtime.periodic import Repeating, run_each
from services.platform.store.disposal.schedule import Record, Sweep, schedule
from services.platform.store.query import PLAN_BY_VALUES, Query, all_rows, scalar
from services.platform.store.unit_of_work import Store
from services.safeguarding.duty.evidence import RecordDisposed
from services.safeguarding.identifiers import AuthorityId

EVERY_SECONDS = 3600.0
AGAIN_SECONDS = 60.0
"""While one fails, all the others are asked as often."""
AT_ONCE = 500
DELETIONS = "hashtextextended('deletions', 0)"
"""The lock that whoever deletes takes."""
MAY_SWEEP = Query(f"SELECT pg_try_advisory_xact_lock_shared({DELETIONS})", {}, scalar)
ALONE = Query(f"SELECT pg_advisory_xact_lock({DELETIONS})", {}, all_rows)
"""Nobody else sweeps, erases or holds until the transaction's end: a hold is of what is there, and all of it stays."""
OWN_PERIODS = "SELECT authority, kept FROM disposal.own_periods(%(name)s)"


def own_periods(name: str) -> Query[dict[AuthorityId, timedelta]]:
    """For how long each authority that has set a period of its own keeps the record."""
    return Query(OWN_PERIODS, {"name": name}, dict)


def delete_old_rows(
    name: str, record: Record, sweep: Sweep, now: datetime, own: Mapping[AuthorityId, timedelta]
) -> Query[int]:
    """Deletes the first whose time is over, and says how many. A row that is changed meanwhile stays.

    Finding whose a row is takes several look-ups. None is made for a row that is too young still: for the authority
    that it names or, if it names none, for every authority.
    """
    sql = f"""
        DELETE FROM {sweep.table} WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM {sweep.table} d WHERE {sweep.since} < %(before)s AND ({sweep.where})
            AND ({sweep.authority} IS NULL OR {sweep.since} < %(now)s - coalesce(
                (%(periods)s::interval[])[array_position(%(authorities)s::text[], {sweep.authority})], %(usual)s))
            AND disposal.is_over(%(name)s, {sweep.since}, %(now)s, %(usual)s, {sweep.about}, {sweep.authority})
            LIMIT %(most)s {"FOR UPDATE SKIP LOCKED" if sweep.skips_locked else ""}
        )) RETURNING true
    """  # noqa: S608 our own words, from `retention.yaml`
    usual = record.kept or timedelta.max
    soonest = min(usual, *own.values()) if own else usual
    asked = {"name": name, "now": now, "usual": usual, "before": now - soonest, "most": AT_ONCE}
    return Query(sql, asked | {"authorities": [*own], "periods": [*own.values()]}, len)


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
        return Repeating("disposal", self.turn, every_seconds=EVERY_SECONDS, again_seconds=AGAIN_SECONDS)

    async def turn(self) -> bool:
        """True while there is more. Each table in a transaction of its own: if one fails, the others are swept all the
        same. Raises its error then.
        """
        return AT_ONCE in await run_each(self._sweep, self.sweeps)

    async def _sweep(self, each: tuple[str, Record, Sweep]) -> int:
        name, record, sweep = each
        async with self._store.transaction() as uow:
            _, may, own = await uow.fetch(PLAN_BY_VALUES, MAY_SWEEP, own_periods(name))
            if not may:
                return 0
            query = delete_old_rows(name, record, sweep, self._clocks.wall(), own)
            rows = await uow.fetch(query)
            if rows:
                said = RecordDisposed(record=name, table=sweep.table, rows=rows, before=query.parameters["before"])
                uow.publish(said, subject=f"record-{name}")
        return rows
