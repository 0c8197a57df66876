"""Takes a discussion's record once, from the page or an agency, with each step of its plan; tells everyone invited.

Keeps who was asked for it, too. Its words are in the register; their ids are here.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.platform.runtime.clocks import Clocks
from services.platform.store.query import Query, Rows
from services.platform.store.unit_of_work import Cause, UnitOfWork
from services.safeguarding.child_events.discussion_events import PlanStepSet, StrategyDiscussionHeld
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import ChildId, derived
from services.strategy import metrics
from services.strategy.discussions import repository as discussions
from services.strategy.discussions.repository import Discussion
from services.strategy.discussions.service import DiscussionService

ASK = """
    INSERT INTO recorders (duty, step, discussion) VALUES (%(duty)s, %(step)s, %(discussion)s) ON CONFLICT DO NOTHING
"""
KEEP = """
    INSERT INTO records (discussion, content, words, at)
    VALUES (%(discussion)s, %(content)s::jsonb, %(words)s, %(at)s) ON CONFLICT DO NOTHING
"""
CORRECT = """
    UPDATE records SET content = content || %(content)s::jsonb, words = words || %(words)s::text[]
    WHERE discussion = %(discussion)s
"""
OF_DISCUSSION = "SELECT content, at FROM records WHERE discussion = %(discussion)s"


@dataclass(frozen=True, slots=True)
class Record:
    held: StrategyDiscussionHeld
    at: datetime


def ask(uow: UnitOfWork, discussion: UUID, duty: Duty) -> None:
    """Written with the commit."""
    uow.write(ASK, {"duty": duty.duty, "step": duty.step, "discussion": discussion})


def keep(uow: UnitOfWork, discussion: UUID, held: StrategyDiscussionHeld, at: datetime) -> None:
    """Written with the commit. Where there is a record already, that one is kept. `at` is story time."""
    uow.write(KEEP, {"discussion": discussion, "content": held.model_dump_json(), "words": list(held.words), "at": at})


def correct(uow: UnitOfWork, discussion: UUID, held: StrategyDiscussionHeld) -> None:
    """Written with the commit. The words of a correction come after those of the record and its plan."""
    content = held.model_dump_json(include={"section_47", "came"})
    uow.write(CORRECT, {"discussion": discussion, "content": content, "words": list(held.words)})


def record_of_discussion(discussion: UUID) -> Query[Record | None]:
    return Query(OF_DISCUSSION, {"discussion": discussion}, _record)


def _record(rows: Rows) -> Record | None:
    return Record(StrategyDiscussionHeld.read_again(rows[0].content), rows[0].at) if rows else None


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
        """Keeps the first record of a discussion and its corrections. `found` is None if it was never planned here: its
        steps are set all the same. `name` identifies the record: the same name sets no step twice.
        """
        if found is not None:
            if found.state == discussions.HELD:
                if held.corrects_event is not None:
                    correct(uow, found.discussion, held)
                return
            keep(uow, found.discussion, held, self.clocks.story())
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
