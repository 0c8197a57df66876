"""Remembers a conversation with a number: the question it was asked, and its reports without a name. All times are
story time.

Everything here is written with the commit.
"""

from datetime import datetime

from services.carers.policy.context import Provisional, Question
from services.platform.store.query import Query, Rows
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId, ChildId, PlacementId

QUESTION = "SELECT about, provisional FROM questions WHERE number_hash = %(number_hash)s AND asked_at > %(since)s"


def open_question(number_hash: bytes, since: datetime) -> Query[Question | None]:
    """None where none was asked since, or where it has been answered."""
    return Query(
        QUESTION,
        {"number_hash": number_hash, "since": since},
        lambda rows: Question(rows[0].about, rows[0].provisional) if rows else None,
    )


ASK = """
    INSERT INTO questions (number_hash, about, provisional, asked_at)
    VALUES (%(number_hash)s, %(about)s, %(provisional)s, %(at)s)
    ON CONFLICT (number_hash) DO UPDATE SET
        about = excluded.about, provisional = excluded.provisional, asked_at = excluded.asked_at
"""
CLOSE_QUESTION = "DELETE FROM questions WHERE number_hash = %(number_hash)s"


def ask(uow: UnitOfWork, number_hash: bytes, question: Question, at: datetime) -> None:
    """One question at a time: a later one takes the place of an earlier."""
    row = {"number_hash": number_hash, "about": question.about, "provisional": question.provisional, "at": at}
    uow.write(ASK, row)


def close_question(uow: UnitOfWork, number_hash: bytes) -> None:
    uow.write(CLOSE_QUESTION, {"number_hash": number_hash})


UNNAMED_REPORTS = """
    SELECT provisional, child, reported_at, authority, placement FROM provisionals
    WHERE number_hash = %(number_hash)s AND ended_at IS NULL ORDER BY reported_at
"""


def unnamed_reports(number_hash: bytes) -> Query[tuple[Provisional, ...]]:
    """Open reports by this number about a child not named at first, with the child where it has been named since."""

    def decode(rows: Rows) -> tuple[Provisional, ...]:
        return tuple(
            Provisional(row.provisional, row.child, row.reported_at, row.authority, row.placement) for row in rows
        )

    return Query(UNNAMED_REPORTS, {"number_hash": number_hash}, decode)


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


def end_report(uow: UnitOfWork, provisional: ChildId, at: datetime) -> None:
    uow.write(END_REPORT, {"provisional": provisional, "at": at})
