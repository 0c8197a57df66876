"""Finds discussions that are about to begin, or over and not recorded. Passes over those that others hold."""

from datetime import datetime
from uuid import UUID

from services.platform.store.query import Query, scalar
from services.platform.store.unit_of_work import UnitOfWork
from services.strategy.discussions.repository import COLUMNS, Discussion, read_discussions

AT_ONCE = 50
DUE = f"""
    SELECT {COLUMNS} FROM discussions WHERE state = 'planned' AND {{is_due}} LIMIT {AT_ONCE} FOR UPDATE SKIP LOCKED
"""  # noqa: S608 its own columns
TO_WARN = DUE.format(is_due="warns_at <= %(now)s AND warned_at IS NULL")
ANSWERS_DUE = DUE.format(is_due="answers_due_at <= %(now)s")
OVER = DUE.format(is_due="ends_at <= %(now)s AND record_asked_at IS NULL")
NEXT = """
    SELECT least(
        (SELECT min(warns_at) FROM discussions WHERE state = 'planned' AND warned_at IS NULL),
        (SELECT min(answers_due_at) FROM discussions WHERE state = 'planned' AND answers_due_at IS NOT NULL),
        (SELECT min(ends_at) FROM discussions WHERE state = 'planned' AND record_asked_at IS NULL)
    )
"""
MARK_WARNED = "UPDATE discussions SET warned_at = %(at)s WHERE discussion = %(discussion)s"
MARK_ANSWERS_CHECKED = "UPDATE discussions SET answers_due_at = NULL WHERE discussion = %(discussion)s"
MARK_RECORD_ASKED = "UPDATE discussions SET record_asked_at = %(at)s WHERE discussion = %(discussion)s"


def discussions_to_warn_of(now: datetime) -> Query[list[Discussion]]:
    """So close to their beginning that the convener must hear who is lacking."""
    return Query(TO_WARN, {"now": now}, read_discussions)


def discussions_with_answers_due(now: datetime) -> Query[list[Discussion]]:
    """Moved, and the time to reply again is over."""
    return Query(ANSWERS_DUE, {"now": now}, read_discussions)


def discussions_over(now: datetime) -> Query[list[Discussion]]:
    """Over, not recorded, and nobody has been asked for the record."""
    return Query(OVER, {"now": now}, read_discussions)


def next_due() -> Query[datetime | None]:
    """The moment from which one of these finds something."""
    return Query(NEXT, {}, scalar)


def mark_warned(uow: UnitOfWork, discussion: UUID, at: datetime) -> None:
    uow.write(MARK_WARNED, {"discussion": discussion, "at": at})


def mark_answers_checked(uow: UnitOfWork, discussion: UUID) -> None:
    uow.write(MARK_ANSWERS_CHECKED, {"discussion": discussion})


def mark_record_asked(uow: UnitOfWork, discussion: UUID, at: datetime) -> None:
    uow.write(MARK_RECORD_ASKED, {"discussion": discussion, "at": at})
