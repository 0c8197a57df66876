"""Takes a discussion's record in, by the page or from an agency: once, with each step of its plan, to everyone invited."""

from dataclasses import dataclass

from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.discussion_events import PlanStepSet, StrategyDiscussionHeld
from services.safeguarding.identifiers import AuthorityId, ChildId, derived
from services.strategy import metrics
from services.strategy.discussions import repository as discussions
from services.strategy.discussions.repository import Discussion
from services.strategy.discussions.service import DiscussionService
from services.strategy.records import repository as records


@dataclass(frozen=True, slots=True)
class About:
    """Whose discussion it was. `cause` names the record for ever: the same cause sets no step twice."""

    child: ChildId
    authority: AuthorityId
    exercise: bool
    trace: str | None
    cause: str


@dataclass(frozen=True)
class RecordService:
    """Everything within the caller's transaction, in which the discussion is held."""

    clocks: Clocks
    discussing: DiscussionService

    async def take(self, uow: UnitOfWork, found: Discussion | None, held: StrategyDiscussionHeld, about: About) -> None:
        """A discussion that is recorded already stays as it was recorded. One that was never planned here has a plan all the same."""
        if found is not None:
            if found.state == discussions.HELD:
                return
            await records.keep(uow, found.discussion, held, self.clocks.story())
            await self.discussing.was_held(uow, found)
            uow.on_commit(metrics.DISCUSSIONS.labels("recorded").inc)
        await self._set_steps(uow, found, held, about)

    async def _set_steps(
        self, uow: UnitOfWork, found: Discussion | None, held: StrategyDiscussionHeld, about: About
    ) -> None:
        texts = held.words[1:]
        number = held.discussion or (1 if found is None else found.number)
        for index, step in enumerate(held.plan):
            content = PlanStepSet(
                authority=about.authority,
                words=texts[index : index + 1],
                discussion=number,
                number=index + 1,
                owner=step.owner,
                due_on=step.due_on,
            )
            name = str(derived("plan step", about.cause, str(index + 1)))
            uow.publish(content, subject=about.child, cause=about, message_id=name)
