"""Starts an exercise: a report about a child who does not exist, marked as an exercise from end to end."""

from dataclasses import dataclass
from enum import Enum, auto
from uuid import UUID

from services.console import metrics
from services.console.acts.recorder import ActRecorder
from services.console.policy.permits import Operator
from services.platform.register.people import directory_page
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store
from services.safeguarding.child_events.events import ChildReportedMissing
from services.safeguarding.identifiers import AuthorityId, ForceId, provisional_child
from services.safeguarding.operators import OperatorAct


class ExerciseResult(Enum):
    DONE = auto()
    NO_SUCH_AREA = auto()
    """The authority has no placement in that force's area, or the operator may not see it."""


@dataclass(frozen=True)
class ExerciseService:
    store: Store
    clocks: Clocks
    keyring: Keyring

    async def areas(self, operator: Operator) -> list[tuple[AuthorityId, ForceId]]:
        """The areas in which the operator may start one."""
        async with self.store.read() as reader:
            return await reader.fetch(directory_page.areas_with_placements(operator.scope))

    async def start(
        self, operator: Operator, act: UUID, authority: AuthorityId, force: ForceId, reason: str
    ) -> ExerciseResult:
        """A repeated `act` starts nothing. The report names a placement, which decides the force, and no real child."""
        if not operator.sees(authority):
            return ExerciseResult.NO_SUCH_AREA
        async with self.store.transaction() as uow:
            placement = await uow.fetch(directory_page.placement_in_area(authority, force))
            if placement is None:
                return ExerciseResult.NO_SUCH_AREA
            child = provisional_child(f"exercise {act}")
            recorder = ActRecorder(self.clocks, self.keyring, uow, operator, act, child, exercise=True)
            if await recorder.claim(OperatorAct.EXERCISE_STARTED):
                words = (await recorder.keep_words({"reason": reason}))["reason"]
                report = ChildReportedMissing(authority=authority, channel="console", placement=placement, words=words)
                said = recorder.publish(report)
                recorder.record(OperatorAct.EXERCISE_STARTED, authority=authority, words=words, said=said)
        metrics.ACTS.labels(OperatorAct.EXERCISE_STARTED, "done").inc()
        return ExerciseResult.DONE
