"""Publishes a made-up report each quarter of an hour, to our own endpoints: it shows that a real one would get through.

Off unless an authority is named for it, whose register must hold only our own staff. The protocol measures the outcome
(`telling_taken_seconds{exercise="yes"}`), and an alert depends on that (docs/decisions).
"""

from datetime import UTC, datetime, timedelta

from services.casework import metrics
from services.platform.runtime import spans
from services.platform.runtime.clocks import Clocks
from services.platform.store.query import Query, scalar
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.child_events.events import ChildReportedMissing, Proof, ReportRetracted
from services.safeguarding.identifiers import AuthorityId, ChildId, derived, trace_of
from services.safeguarding.working_time import in_working_hours

EVERY = timedelta(minutes=15)
OVER_AFTER = timedelta(minutes=4)
"""Before anybody is asked again, so that one that goes well escalates to nobody; the audit keeps a chain a day."""
LOOK_EVERY_SECONDS = 5
FIRST_CHILD = "SELECT min(id) AS id FROM register.children WHERE authority = %(authority)s"


class NobodyToExerciseWith(Exception):
    """The register holds no child of the exercise authority."""


class ExerciseReporter:
    """`turn` is called often. Message ids derive from the round's time, so replicas and restarts publish each once.

    A process that missed the quarter's report begins a round of its own at once, so that a restart soon shows whether a
    report gets through.
    """

    def __init__(self, store: Store, clocks: Clocks, authority: AuthorityId) -> None:
        self._store = store
        self._clocks = clocks
        self._authority = authority
        self._begun_at: datetime | None = None
        self._published: set[str] = set()
        """Of the round that began at `_begun_at`."""

    async def turn(self) -> None:
        """Raises NobodyToExerciseWith, which readiness shows."""
        metrics.EXERCISE_MAILS_DUE.set(in_working_hours(self._clocks.story()))
        now = self._clocks.wall()
        if self._begun_at is None or self._begun_at < _start_of(now, EVERY):
            self._begun_at = _round_of(now)
            self._published.clear()
        if self._begun_at is not None:
            await self._publish_once(self._begun_at, "report")
            if now >= self._begun_at + OVER_AFTER:
                await self._publish_once(self._begun_at, "end")

    async def _publish_once(self, begun_at: datetime, what: str) -> None:
        if what in self._published:
            return
        content = (
            ChildReportedMissing(authority=self._authority, channel="agency")
            if what == "report"
            else ReportRetracted(authority=self._authority, channel="agency", retracts="missing", proof=Proof.AGENCY)
        )
        at = begun_at if what == "report" else begun_at + OVER_AFTER
        trace = trace_of("exercise", self._authority, begun_at.isoformat())
        with spans.measure("exercise", trace, "SERVER" if what == "report" else "CONSUMER"):
            async with self._store.transaction() as uow:
                uow.publish(
                    content,
                    subject=await self._child(uow),
                    at=at + self._clocks.offset,
                    message_id=str(derived("exercise", self._authority, begun_at.isoformat(), what)),
                    exercise=True,
                    trace=trace,
                )
        self._published.add(what)
        metrics.EXERCISE_REPORTS.labels(what).inc()

    async def _child(self, uow: UnitOfWork) -> ChildId:
        child: ChildId | None = await uow.fetch(Query(FIRST_CHILD, {"authority": self._authority}, scalar))
        if child is None:
            raise NobodyToExerciseWith
        return child


def _round_of(now: datetime) -> datetime | None:
    """When the round of `now` began: at the quarter or, its report being late, at this minute. None where its end would
    come with the next quarter or later: the next round would take its place, and nobody would end it.
    """
    quarter, minute = _start_of(now, EVERY), _start_of(now, timedelta(minutes=1))
    if now < quarter + OVER_AFTER:
        return quarter
    return minute if minute + OVER_AFTER < quarter + EVERY else None


def _start_of(now: datetime, step: timedelta) -> datetime:
    """The last moment at or before `now` that is a whole number of steps."""
    return datetime.fromtimestamp(now.timestamp() // step.total_seconds() * step.total_seconds(), UTC)
