"""Starts an exercise: a report about a child who does not exist, marked as one from end to end."""

from dataclasses import dataclass
from enum import Enum, auto
from uuid import UUID

from services.console import metrics
from services.console.acts.recorder import ActRecorder
from services.console.policy.permits import Operator
from services.platform.register import directory_page
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store
from services.safeguarding.child_events.events import ChildReportedMissing
from services.safeguarding.identifiers import AuthorityId, ForceId, provisional_child
from services.safeguarding.operators import OperatorAct


class Started(Enum):
    DONE = auto()
    NO_SUCH_AREA = auto()
    """The authority has no placement in that force's area, or is not the operator's to see."""


@dataclass(frozen=True)
class ExerciseService:
    store: Store
    clocks: Clocks
    keyring: Keyring

    async def areas(self, operator: Operator) -> list[tuple[AuthorityId, ForceId]]:
        """Where one may be set."""
        async with self.store.read() as reader:
            return await reader.fetch(directory_page.areas_with_placements(operator.authority))

    async def start(
        self, operator: Operator, act: UUID, authority: AuthorityId, force: ForceId, reason: str
    ) -> Started:
        """The same `act` again starts nothing further. The report names a placement for its force, and no child of it."""
        if not operator.sees(authority):
            return Started.NO_SUCH_AREA
        async with self.store.transaction() as uow:
            placement = await uow.fetch(directory_page.placement_in_area(authority, force))
            if placement is None:
                return Started.NO_SUCH_AREA
            child = provisional_child(f"exercise {act}")
            voice = ActRecorder(self.clocks, self.keyring, uow, operator, act, child, exercise=True)
            if await voice.is_first(OperatorAct.EXERCISE_STARTED):
                words = (await voice.keep({"reason": reason}))["reason"]
                report = ChildReportedMissing(authority=authority, channel="console", placement=placement, words=words)
                said = await voice.say(report)
                await voice.record(OperatorAct.EXERCISE_STARTED, authority=authority, words=words, said=said)
        metrics.ACTS.labels(OperatorAct.EXERCISE_STARTED, "done").inc()
        return Started.DONE
