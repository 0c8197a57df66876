"""Remembers a conversation with a number: the question it was asked, its reports without a name, and what somebody on
duty has not answered. Times are story time, where nothing else is said.

Everything here is written with the commit.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.carers.policy.context import Provisional, Question, Telling
from services.platform.store.query import Query
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId, ChildId, PersonId, PlacementId

QUESTION = "SELECT about, provisional, whether, called_at FROM questions WHERE number_hash = %(number_hash)s AND asked_at > %(since)s"


def open_question(number_hash: bytes, since: datetime) -> Query[Question | None]:
    """None where none was asked since, or where it has been answered."""
    asked = {"number_hash": number_hash, "since": since}
    return Query(QUESTION, asked, lambda rows: _read_question(rows[0]) if rows else None)


def _read_question(row: Any) -> Question:
    return Question("whether" if row.whether else row.about, row.provisional, called=row.called_at is not None)


ASK = """
    INSERT INTO questions (number_hash, about, provisional, asked_at, whether, authority, person)
    VALUES (%(number_hash)s, %(about)s, %(provisional)s, %(at)s, %(whether)s, %(authority)s, %(person)s)
    ON CONFLICT (number_hash) DO UPDATE SET about = excluded.about, provisional = excluded.provisional,
        asked_at = excluded.asked_at, whether = excluded.whether, authority = excluded.authority,
        person = excluded.person, called_at = NULL
"""
CALLED = "UPDATE questions SET called_at = %(at)s WHERE number_hash = %(number_hash)s AND whether"
CLOSE_QUESTION = "DELETE FROM questions WHERE number_hash = %(number_hash)s"


def ask(
    uow: UnitOfWork,
    number_hash: bytes,
    question: Question,
    at: datetime,
    *,
    authority: AuthorityId,
    person: PersonId | None,
) -> None:
    """One question at a time: a later one takes the place of an earlier. `authority` is asked to ring the sender,
    `person`, if it is silent.
    """
    whether = question.about == "whether"
    row: dict[str, Any] = {"number_hash": number_hash, "about": "information" if whether else question.about}
    row |= {"whether": whether, "provisional": question.provisional, "at": at, "authority": authority, "person": person}
    uow.write(ASK, row)


def record_call(uow: UnitOfWork, number_hash: bytes, at: datetime) -> None:
    """Somebody is asked to ring the number, which did not say whether a child is missing."""
    uow.write(CALLED, {"number_hash": number_hash, "at": at})


@dataclass(frozen=True, slots=True)
class Silent:
    """Who has not said whether a child is missing."""

    number_hash: bytes
    subject: ChildId
    authority: AuthorityId
    person: PersonId | None
    asked_at: datetime


OLDEST_SILENT = """
    SELECT number_hash, provisional, authority, person, asked_at FROM questions
    WHERE whether AND called_at IS NULL ORDER BY asked_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""


def oldest_silent() -> Query[Silent | None]:
    """Of whom nobody has been asked to ring. It is locked, so that one process alone asks."""
    return Query(OLDEST_SILENT, {}, lambda rows: Silent(*rows[0]) if rows else None)


def close_question(uow: UnitOfWork, number_hash: bytes) -> None:
    uow.write(CLOSE_QUESTION, {"number_hash": number_hash})


UNNAMED_REPORTS = """
    SELECT provisional, child, reported_at, authority, placement FROM provisionals
    WHERE number_hash = %(number_hash)s AND ended_at IS NULL ORDER BY reported_at
"""


def unnamed_reports(number_hash: bytes) -> Query[tuple[Provisional, ...]]:
    """Open reports by this number about a child not named at first, with the child where it has been named since."""
    about = {"number_hash": number_hash}
    return Query(UNNAMED_REPORTS, about, lambda rows: tuple(Provisional(*row) for row in rows))


OPEN_REPORT = """
    INSERT INTO provisionals (provisional, number_hash, reported_at, authority, placement)
    VALUES (%(provisional)s, %(number_hash)s, %(at)s, %(authority)s, %(placement)s)
    ON CONFLICT DO NOTHING
"""
NAME_CHILD = "UPDATE provisionals SET child = %(child)s WHERE provisional = %(provisional)s"
END_REPORT = "UPDATE provisionals SET ended_at = %(at)s WHERE provisional = %(provisional)s"


def open_report(
    uow: UnitOfWork,
    provisional: ChildId,
    number_hash: bytes,
    at: datetime,
    *,
    authority: AuthorityId,
    placement: PlacementId | None,
) -> None:
    """`authority` and `placement` say to whom it was reported, where several know the number."""
    row = {"provisional": provisional, "number_hash": number_hash, "at": at}
    uow.write(OPEN_REPORT, row | {"authority": authority, "placement": placement})


def name_child(uow: UnitOfWork, provisional: ChildId, child: ChildId) -> None:
    uow.write(NAME_CHILD, {"provisional": provisional, "child": child})


IDENTIFIED = "UPDATE provisionals SET child = %(child)s WHERE provisional = %(provisional)s AND child IS NULL"
ANSWERED = "DELETE FROM questions WHERE provisional = %(provisional)s"


def take_identity(uow: UnitOfWork, provisional: ChildId, child: ChildId) -> None:
    """Somebody else has said which child it is: what the number says without a name from now on is no longer about the
    old report, and the question is answered. What the speaker said themselves stands.
    """
    about = {"provisional": provisional, "child": child}
    uow.write(IDENTIFIED, about)
    uow.write(ANSWERED, about)


def end_report(uow: UnitOfWork, provisional: ChildId, at: datetime) -> None:
    uow.write(END_REPORT, {"provisional": provisional, "at": at})


BY_CODE = """
    SELECT duty, step, child, authority, episode, person, exercise FROM delivery.codes
    WHERE code = %(code)s AND number_hash = ANY(%(numbers)s::bytea[]) ORDER BY created_at DESC LIMIT 1
"""


def telling_by_code(numbers: Sequence[bytes], code: str) -> Query[Telling | None]:
    """What a code stands for that was texted to this number (its hashes). The newest, should two be alike."""
    texted = {"code": code.upper(), "numbers": list(numbers)}
    return Query(BY_CODE, texted, lambda rows: Telling(**rows[0]._asdict()) if rows else None)


OPEN_FOR = timedelta(hours=24)
"""Wall time. What was told earlier has been told again since, or has gone to the next person."""
HEARD_WITHIN = timedelta(seconds=10)
"""Wall time. By then professionals have mostly heard of an answer that was texted here. Not longer: who only asked
about a child must soon read again that it is open.
"""
# No index holds a sum. By the one of `created_at` PostgreSQL would read every delivery of the day as well.
UNANSWERED = """
    SELECT told.duty, told.step, child, told.authority, told.episode, told.person, told.exercise, told.code,
        coalesce(known.code, '') AS child_code, told.wording, told.deed, EXISTS (
            SELECT FROM texts_in came WHERE came.number_hash = ANY(%(numbers)s::bytea[]) AND came.received_at > %(lately)s
            AND came.received_at >= told.created_at AND told.child = ANY(came.about)
        ) AS just_texted
    FROM delivery.unanswered told LEFT JOIN register.codes_of_children known USING (child)
    WHERE told.person = ANY(%(people)s::text[])
        AND told.created_at + interval '0' > %(since)s AND told.created_at + interval '0' <= %(said_at)s
    ORDER BY told.created_at DESC, told.duty, told.step
"""


def unanswered_by(
    people: Collection[PersonId], numbers: Sequence[bytes], said_at: datetime
) -> Query[tuple[Telling, ...]]:
    """What people on duty were told and have not answered. `said_at`: when they said what they said, in wall time;
    nobody answers what they had not been told yet. `numbers`: the hashes of theirs.
    """
    asked = {"people": list(people), "since": said_at - OPEN_FOR, "said_at": said_at}
    asked |= {"numbers": list(numbers), "lately": said_at - HEARD_WITHIN}
    return Query(UNANSWERED, asked, lambda rows: tuple(Telling(**row._asdict()) for row in rows))
