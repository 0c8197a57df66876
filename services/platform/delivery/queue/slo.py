"""Measures the promise of 60 seconds in the service's own rows: the same on every replica, and through every restart.

The burn rate's windows are counted here and not by Prometheus' `rate`, which guesses at a window's edges: with one
notice an hour its guess is all there would be (docs/decisions).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.delivery import metrics
from services.platform.store.query import Query, Reader, all_rows

WITHIN = timedelta(seconds=60)
WINDOWS = {
    "5m": timedelta(minutes=5),
    "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "3d": timedelta(days=3),
    "30d": timedelta(days=30),
}
LONGEST = max(WINDOWS.values())
LATELY = timedelta(hours=1)
VERDICTS = ("in-time", "late")
# A notice withdrawn within its 60 s breaks no promise; exercises and replies of conversations do not count.
_NOTICES = """
    SELECT d.created_at AS put_at, d.created_at + %(within)s AS until, d.state, d.changed_at, d.withdrawn_at, least(
        (SELECT min(started_at + took_ms * interval '1 ms') FROM delivery.attempts WHERE delivery = d.id AND result = 'accepted'),
        CASE WHEN d.state IN ('accepted', 'delivered', 'acknowledged') THEN d.changed_at END
    ) AS taken_at
    FROM delivery.deliveries d
    WHERE d.service = %(service)s AND ({which}) AND d.urgent AND NOT d.exercise AND d.duty IS NOT NULL
"""
_ALL = "d.created_at > %(since)s"
_FRESH = f"""{_ALL} OR d.state IN ('waiting', 'sending', 'unknown')
    OR d.state = 'failed' AND d.changed_at > %(now)s - interval '1 h'
"""
_JUDGED = """
    SELECT put_at,
        CASE WHEN taken_at <= until THEN 'in-time'
             WHEN taken_at > until OR state = 'failed' THEN 'late'
             WHEN state = 'withdrawn' AND changed_at <= until THEN NULL
             WHEN %(now)s > until THEN 'late'
        END AS verdict,
        taken_at IS NULL AND %(now)s > until AND state IN ('waiting', 'sending', 'unknown') AS waits,
        state = 'failed' AND withdrawn_at IS NULL AND changed_at > %(now)s - interval '1 h' AS failed
    FROM notices
"""


def _build(windows: Mapping[str, timedelta], which: str) -> str:
    counts = ", ".join(
        f"count(*) FILTER (WHERE put_at > %(now)s - interval '{int(length.total_seconds())} s') AS within_{name}"
        for name, length in windows.items()
    )
    return f"""
        WITH notices AS MATERIALIZED ({_NOTICES.format(which=which)}), judged AS ({_JUDGED})
        SELECT verdict, count(*) FILTER (WHERE waits) AS waiting, count(*) FILTER (WHERE failed) AS failed, {counts}
        FROM judged GROUP BY verdict
    """  # noqa: S608 made of this module's own words


_HOURS = {name: length for name, length in WINDOWS.items() if length <= LATELY}
MEASURE, MEASURE_RECENT = _build(WINDOWS, _ALL), _build(_HOURS, _FRESH)


async def measure(connection: AsyncConnection, service: str, now: datetime) -> None:
    """Sets the gauges over each window. A notice counts once its 60 s are over or it is accepted."""
    await _show(connection, MEASURE, WINDOWS, {"service": service, "now": now, "since": now - LONGEST})


async def measure_recent(connection: AsyncConnection, service: str, now: datetime) -> None:
    """As `measure`, over the windows of hours, and notices that wait or have just failed. It reads little."""
    await _show(connection, MEASURE_RECENT, _HOURS, {"service": service, "now": now, "since": now - LATELY})


async def _show(connection: AsyncConnection, asked: str, windows: Iterable[str], of: Mapping[str, object]) -> None:
    rows = await Reader(connection).fetch(Query(asked, {**of, "within": WITHIN}, all_rows))
    judged = {row.verdict: row for row in rows}
    for verdict in VERDICTS:
        for name in windows:
            count = getattr(judged[verdict], f"within_{name}") if verdict in judged else 0
            metrics.URGENT.labels(name, verdict).set(count)
    metrics.URGENT_LATE.set(sum(row.waiting for row in rows))
    metrics.URGENT_FAILED.set(sum(row.failed for row in rows))
