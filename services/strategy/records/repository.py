"""Keeps who was asked for a discussion's record, and the record. Its words lie in the register; here are their ids."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.platform.store.query import Query, Rows
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.discussion_events import StrategyDiscussionHeld
from services.safeguarding.duty.duties import Duty

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
