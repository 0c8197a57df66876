"""Records each message as an entry, and compares what should have happened with what did, by the record alone.

Each look covers the entries since the look before it, and the gaps which that one found. The first looks back thirty
days. What is missing is set as a metric.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.audit import metrics, store
from services.audit.policy.consequences import Gap, gap_of
from services.platform.bus.message_processor import Handler
from services.platform.messages.envelope import Received
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.logs import logger
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.contracts import contracts
from services.safeguarding.message import Message


def handlers_by_kind(clocks: Clocks) -> dict[type[Message], Handler]:
    """A handler for every kind of message, so that a new kind is recorded without a change here."""

    async def on_any(received: Received[Message], uow: UnitOfWork) -> None:
        store.append(uow, received, clocks.wall())
        uow.on_commit(metrics.ENTRIES.inc)

    return dict.fromkeys(contracts().values(), on_any)


LOOK_EVERY_SECONDS = 60
FIRST_LOOK = timedelta(days=30)
SLICE = timedelta(days=1)
"""Of the record, at once: longer than a look covers, but for the first."""
OVERLAP = timedelta(minutes=2)
"""An entry becomes visible a little after its own time."""
ANSWERED_WITHIN = timedelta(minutes=2)
TRIED_WITHIN = timedelta(minutes=5)
STEP_GRACE = timedelta(minutes=2)
"""In story time: the clock publishes a step within a second of its time."""
NEARBY_WITHIN = timedelta(minutes=10)
MOST = 1000

EXPECTED = """
    SELECT e.chain, e.position, e.kind, e.recorded_at AS since, expected.answer
    FROM audit.entries AS e CROSS JOIN LATERAL unnest(e.expects) AS expected (answer)
"""
# Nearly every question has its answer close by. Those are compared as two sets, which takes 0.1 to 0.3 s for eight busy
# minutes. To look each one up took 6 to 35 s: PostgreSQL then reads the whole index of times beside that of answers.
NEARBY = f"""
    WITH given AS MATERIALIZED (
        SELECT split_part(chain, '/', 1) AS child, answer FROM audit.entries CROSS JOIN LATERAL unnest(answers) AS answer
        WHERE answers IS NOT NULL AND recorded_at >= :since - :nearby AND recorded_at < :until + :nearby
    )
    {EXPECTED}
    WHERE e.expects IS NOT NULL AND e.recorded_at >= :since AND e.recorded_at < :until AND NOT EXISTS (
        SELECT FROM given WHERE given.answer = expected.answer
        AND (given.child = split_part(e.chain, '/', 1) OR starts_with(e.chain, 'provisional-')))
"""  # noqa: S608 this module's own words
OF_KNOWN = f"""
    {EXPECTED}
    WHERE (e.chain, e.position) IN (SELECT * FROM unnest(CAST(:chains AS text[]), CAST(:places AS bigint[])))
"""  # noqa: S608 this module's own words
# A notice whose duty is over need not be tried any more. The answer is looked for by itself: PostgreSQL cannot know how
# rare each is, and would read the whole chain for each question if asked for the chain first, or for one of many.
# An answer may come after midnight, in the next day's chain of an exercise, so only the child must be the same. Once it
# is known who a provisional child is, what is told of it is decided upon in the chain of that child. An answer is
# recorded at most moments before its question. OFFSET keeps PostgreSQL from reading the whole index of times for it.
UNANSWERED = """
    WITH asked AS MATERIALIZED (
        SELECT * FROM ({which}) AS expecting
        WHERE since < CASE WHEN answer LIKE 'tried %' THEN :tried_before ELSE :answered_before END
        ORDER BY since LIMIT 5 * :most
    )
    SELECT e.* FROM asked AS e
    WHERE 0 = (
        SELECT count(*) FROM (
            SELECT chain, recorded_at FROM audit.entries WHERE answers @> ARRAY[e.answer] OFFSET 0) AS a
        WHERE (split_part(a.chain, '/', 1) = split_part(e.chain, '/', 1) OR starts_with(e.chain, 'provisional-'))
        AND a.recorded_at >= e.since - interval '1 day')
    AND CASE WHEN e.answer LIKE 'tried %' THEN (
        SELECT d.goes_on FROM audit.duties AS d WHERE d.duty = split_part(e.answer, ' ', 2)::uuid) END
        IS NOT FALSE
    ORDER BY e.since LIMIT :most
"""
FRESH = text(UNANSWERED.format(which=NEARBY))
KNOWN = text(UNANSWERED.format(which=OF_KNOWN))
OVERDUE = text(
    "SELECT chain, duty, next_step_at FROM audit.duties WHERE next_step_at < :before ORDER BY next_step_at LIMIT :most"
)


@dataclass(frozen=True, slots=True)
class Found:
    """`since`: when the unanswered entry was recorded; for a step, when it was due, in story time."""

    gap: Gap
    chain: str
    since: datetime
    what: str
    position: int | None = None
    """The unanswered entry."""


class Reconciler:
    """One per process, with `look` called in a loop."""

    def __init__(self, store: Store, clocks: Clocks) -> None:
        self._store = store
        self._clocks = clocks
        self._looked_at: datetime | None = None
        self._before: frozenset[Found] = frozenset()

    async def look(self) -> bool:
        wall = self._clocks.wall()
        since = wall - FIRST_LOOK if self._looked_at is None else self._looked_at - TRIED_WITHIN - OVERLAP
        async with self._store.reading.connect() as connection:
            found = await find_gaps(connection, wall=wall, story=self._clocks.story(), since=since, known=self._before)
        lasting = self._before & found
        self._before = found
        if len(found) < MOST:  # else there may be more where this look ended
            self._looked_at = wall
        _measure(Counter(each.gap for each in lasting), wall)
        return False


async def find_gaps(
    connection: AsyncConnection,
    *,
    wall: datetime,
    story: datetime,
    since: datetime,
    known: frozenset[Found] = frozenset(),
) -> frozenset[Found]:
    """The gaps among the entries recorded after `since`, and those of `known` still open; of thirty days at most."""
    first = wall - FIRST_LOOK
    since = max(since, first)
    limits = {"tried_before": wall - TRIED_WITHIN, "answered_before": wall - ANSWERED_WITHIN, "most": MOST}
    found = set[Found]()
    while since < wall and len(found) < MOST:
        window = {"since": since, "until": since + SLICE, "nearby": NEARBY_WITHIN}
        found |= {_unanswered(row) for row in (await connection.execute(FRESH, limits | window)).mappings()}
        since += SLICE
    open_yet = [each for each in in_order(known) if each.since >= first]
    places = [(each.chain, each.position) for each in open_yet if each.position is not None][:MOST]
    if places:
        named = {"chains": [chain for chain, _ in places], "places": [place for _, place in places]}
        found |= {_unanswered(row) for row in (await connection.execute(KNOWN, limits | named)).mappings()}
    overdue = await connection.execute(OVERDUE, {"before": story - STEP_GRACE, "most": MOST})
    found |= {Found(Gap.STEP_NOT_TAKEN, row.chain, row.next_step_at, f"duty {row.duty}") for row in overdue}
    return frozenset(found)


def in_order(found: frozenset[Found]) -> Sequence[Found]:
    """The oldest first."""
    return sorted(found, key=lambda each: (each.since, each.chain, each.gap, each.what))


def _unanswered(row: RowMapping) -> Found:
    what = f'entry {row["position"]}, {row["kind"]}: nothing is "{row["answer"]}"'
    gap = gap_of(row["answer"], row["kind"])
    return Found(gap, row["chain"], row["since"], what, row["position"])


def _measure(counted: Counter[Gap], at: datetime) -> None:
    for gap in Gap:
        metrics.GAPS.labels(gap.value).set(counted[gap])
    metrics.LOOKED_AT.set(at.timestamp())
    if counted:
        logger().error("something that should have happened has not: `audit gaps` lists it", count=counted.total())
