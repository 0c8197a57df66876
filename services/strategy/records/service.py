"""Takes a discussion's record, by page or from an agency: once, with each step of its plan, for all invited."""

from dataclasses import dataclass

from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import Cause, UnitOfWork
from services.safeguarding.child_events.discussion_events import PlanStepSet, StrategyDiscussionHeld
from services.safeguarding.identifiers import ChildId, derived
from services.strategy import metrics
from services.strategy.discussions import repository as discussions
from services.strategy.discussions.repository import Discussion
from services.strategy.discussions.service import DiscussionService
from services.strategy.records import repository as records


@dataclass(frozen=True)
class RecordService:
    """Works within the caller's transaction, which has locked the discussion."""

    clocks: Clocks
    discussion_service: DiscussionService

    async def take(
        self,
        uow: UnitOfWork,
        found: Discussion | None,
        held: StrategyDiscussionHeld,
        *,
        child: ChildId,
        cause: Cause,
        name: str,
    ) -> None:
        """The first record of a discussion is kept, with its corrections. A discussion that was never planned here has
        steps all the same.

        `name` identifies the record: the same name sets no step twice.
        """
        if found is not None:
            if found.state == discussions.HELD:
                if held.corrects_event is not None:
                    records.correct(uow, found.discussion, held)
                return
            records.keep(uow, found.discussion, held, self.clocks.story())
            await self.discussion_service.mark_held(uow, found)
            uow.on_commit(metrics.DISCUSSIONS.labels("recorded").inc)
        texts = held.words[1:]
        number = held.discussion or (1 if found is None else found.number)
        for index, step in enumerate(held.plan):
            content = PlanStepSet(
                authority=held.authority,
                words=texts[index : index + 1],
                discussion=number,
                number=index + 1,
                owner=step.owner,
                due_on=step.due_on,
            )
            step_id = str(derived("plan step", name, str(index + 1)))
            uow.publish(content, subject=child, cause=cause, message_id=step_id)
