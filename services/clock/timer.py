"""Measures how punctual the clock is, and whether the months of growing tables are made and dropped in time.

Fires deadlines at their moments: it knows the next one, and hears of others that come before it looks again.

Has PostgreSQL make the monthly partitions of tables that only grow, and drop those whose time is over. That is not
urgent: until the next turn, rows that fit no month go into a partition of their own.
"""

from prometheus_client import Counter, Gauge, Histogram

from services.platform.messages.envelope import Unreadable, with_lateness
from services.platform.messages.signature import is_signed
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.logs import logger
from services.platform.runtime.process import Repeating, run_each
from services.platform.store import deadlines
from services.platform.store.deadlines import Pending
from services.platform.store.query import Query, first_row, scalar
from services.platform.store.unit_of_work import Store
from services.safeguarding.message import Topic

FIRED = Counter("clock_deadlines_fired", "Deadlines whose event was handed over for publishing")
LATENESS = Histogram(
    "clock_lateness_seconds",
    "From a deadline's time to handing its event over, in story time",
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 10800, 21600, 43200, 86400),
)
MONTHS_AHEAD = Gauge(
    "table_months_ahead", "Months after this one for which a table that is kept by month is prepared", ["table"]
)
MONTHS_LEFT = Gauge(
    "table_months_left_over",
    "Months whose time is over, but that have rows which nothing needs, or are empty",
    ["table"],
)
ROWS_OUTSIDE = Gauge(
    "table_rows_outside_months", "Rows that fit no month of their table, a thousand at most", ["table"]
)


EVERY_SECONDS = 3600.0
TABLES = "SELECT name FROM months.tables ORDER BY name"
KEEP_UP = "SELECT ahead, outside FROM months.keep_up(%(name)s)"
LEFT_OVER = "SELECT months.left_over(%(name)s)"


async def keep_up(store: Store) -> bool:
    """Uses a transaction for each table: none waits for another's locks, and one that fails holds up no other. Returns
    False: there is never more to do at once.
    """
    async with store.transaction() as uow:
        names = await uow.fetch(Query(TABLES, {}, lambda rows: [row.name for row in rows]))

    async def keep(name: str) -> None:
        async with store.transaction() as uow:
            ahead, outside = await uow.fetch(Query(KEEP_UP, {"name": name}, first_row))
        async with store.transaction() as uow:
            left = await uow.fetch(Query(LEFT_OVER, {"name": name}, scalar))
        MONTHS_AHEAD.labels(name).set(ahead)
        ROWS_OUTSIDE.labels(name).set(outside)
        MONTHS_LEFT.labels(name).set(left)

    await run_each(keep, names)
    return False


BATCH = 500
LOOK_EVERY_SECONDS = 15.0
"""The protocol tells of each deadline that is due before the next look (`deadlines.LOOKED_AHEAD`)."""
AGAIN_SECONDS = 0.2
"""After a look that found due deadlines: more may follow, or another clock may hold them."""


class DeadlineTimer:
    """Any number of clocks fire each deadline once."""

    def __init__(self, store: Store, clocks: Clocks) -> None:
        self._store, self._clocks = store, clocks
        self.loop = Repeating(
            "due deadlines", self._turn, every_seconds=LOOK_EVERY_SECONDS, again_seconds=AGAIN_SECONDS
        )
        store.channels.on(deadlines.TOLD, lambda _: self.loop.wake())
        clocks.on_move(self.loop.wake)

    async def _turn(self) -> bool:
        async with self._store.read() as reader:
            due_at, now = await reader.fetch(deadlines.next_due(self._clocks.offset))
        if not self.loop.wake_when_due(due_at, now):
            return False
        more = await fire_due(self._store, self._clocks)
        self.loop.wake_after(AGAIN_SECONDS)
        return more


async def fire_due(store: Store, clocks: Clocks) -> bool:
    """Publishes the events that are due by story time, the longest overdue first. True if there may be more."""
    async with store.transaction() as uow:
        due = await deadlines.claim(uow, ahead=clocks.offset, most=BATCH)
        for late, row in due:
            uow.publish_composed(Topic.CHILD_EVENTS, row.child, _event_of(row, int(late.total_seconds())))
    FIRED.inc(len(due))
    for late, _ in due:
        LATENESS.observe(late.total_seconds())
    return len(due) == BATCH


def _event_of(row: Pending, late_seconds: int) -> bytes:
    """Adds the lateness, unless another service has signed the event. Bytes that are no message stay as they are: the
    consumer makes them a dead letter, which a person sees. Held back, they would hold back every later deadline.
    """
    try:
        return row.envelope if is_signed(row.envelope) else with_lateness(row.envelope, late_seconds)
    except Unreadable as unreadable:
        logger().error("a deadline holds no message", reason=unreadable.reason, deadline=str(row.deadline))
        return row.envelope
