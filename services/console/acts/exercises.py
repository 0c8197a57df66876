"""Starts an exercise: a report about a child who does not exist, marked as an exercise from end to end."""

from functools import partial
from uuid import UUID

from services.console import metrics
from services.console.acts.recorder import ConsoleService
from services.console.policy.permits import Operator
from services.platform.register import directory_page
from services.safeguarding.child_events.events import ChildReportedMissing
from services.safeguarding.identifiers import AuthorityId, ForceId, provisional_child
from services.safeguarding.operators import OperatorAct


class ExerciseService(ConsoleService):
    async def areas(self, operator: Operator) -> list[tuple[AuthorityId, ForceId]]:
        """The areas in which the operator may start one."""
        async with self.store.read() as reader:
            return await reader.fetch(directory_page.areas_with_placements(operator.scope))

    async def start(self, operator: Operator, act: UUID, authority: AuthorityId, force: ForceId, reason: str) -> bool:
        """A repeated `act` starts nothing. The report names a placement, which decides the force, and no real child.

        False: the authority has no placement in that force's area, or the operator may not see it.
        """
        if not operator.sees(authority):
            return False
        async with self.store.transaction() as uow:
            placement = await uow.fetch(directory_page.placement_in_area(authority, force))
            if placement is None:
                return False
            report = partial(ChildReportedMissing, authority=authority, channel="console", placement=placement)
            await self.recorder(uow, operator, act, provisional_child(f"exercise {act}"), exercise=True).carry_out(
                OperatorAct.EXERCISE_STARTED,
                {"reason": reason},
                lambda words: [report(words=words["reason"])],
                authority=authority,
            )
        metrics.ACTS.labels(OperatorAct.EXERCISE_STARTED, "done").inc()
        return True
