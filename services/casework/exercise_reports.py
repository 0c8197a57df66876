"""A made-up report every five minutes, by every channel, to endpoints of our own: it shows that a real one would get through.

Off unless an authority for it is named, whose register holds nobody but ourselves. What comes of each report the protocol
measures (`telling_taken_seconds{exercise="yes"}`), and an alert rests on that (docs/decisions).
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from services.casework import metrics
from services.casework.store.tables import children
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.child_events.events import ChildReportedMissing, Proof, ReportRetracted
from services.safeguarding.identifiers import AuthorityId, ChildId, derived, trace_of
from services.safeguarding.working_time import in_working_hours

SERVICE = "casework"
EVERY = timedelta(minutes=5)
OVER_AFTER = timedelta(minutes=4)
"""Before anybody is asked again: an exercise escalates to nobody as long as it goes well."""
LOOK_EVERY_SECONDS = 5


class NobodyToExerciseWith(Exception):
    """The register holds no child of the exercise authority."""


class ExerciseReporter:
    """`turn` is called often. A round's messages have ids that follow from its time: replicas and restarts say each once."""

    def __init__(self, store: Store, clocks: Clocks, authority: AuthorityId) -> None:
        self._store = store
        self._clocks = clocks
        self._authority = authority
        self._said: set[tuple[datetime, str]] = set()

    async def turn(self) -> bool:
        """Raises NobodyToExerciseWith, which readiness then shows."""
        metrics.EXERCISE_MAILS_DUE.set(in_working_hours(self._clocks.story()))
        begun_at = _round_of(self._clocks.wall())
        over = self._clocks.wall() >= begun_at + OVER_AFTER
        await self._once(begun_at, "end" if over else "report")
        self._said = {each for each in self._said if each[0] == begun_at}
        return False

    async def _once(self, begun_at: datetime, what: str) -> None:
        if (begun_at, what) in self._said:
            return
        content = (
            ChildReportedMissing(authority=self._authority, channel="agency")
            if what == "report"
            else ReportRetracted(authority=self._authority, channel="agency", retracts="missing", proof=Proof.AGENCY)
        )
        at = begun_at if what == "report" else begun_at + OVER_AFTER
        async with self._store.transaction() as uow:
            uow.publish(
                content,
                subject=await self._child(uow),
                at=at + self._clocks.offset,
                message_id=str(derived("exercise", self._authority, begun_at.isoformat(), what)),
                exercise=True,
                trace=trace_of("exercise", self._authority, begun_at.isoformat()),
            )
        self._said.add((begun_at, what))
        metrics.EXERCISE_REPORTS.labels(what).inc()

    async def _child(self, uow: UnitOfWork) -> ChildId:
        first = await uow.connection.scalar(
            select(func.min(children.c.id)).where(children.c.authority == self._authority)
        )
        if first is None:
            raise NobodyToExerciseWith
        return str(first)


def _round_of(now: datetime) -> datetime:
    """The last full five minutes."""
    return datetime.fromtimestamp(now.timestamp() // EVERY.total_seconds() * EVERY.total_seconds(), UTC)
