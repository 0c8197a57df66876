"""What a conversation remembers of a number: the question it was asked, and its reports without a name.

Asked with what else a text is read by, and written with the commit.
"""

from datetime import datetime

from services.platform.store.query import Statement
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId, ChildId, PlacementId

QUESTION = "SELECT about, provisional FROM questions WHERE number_hash = %(number_hash)s AND asked_at > %(asked_after)s"


def question(number_hash: bytes, asked_after: datetime) -> Statement:
    """One row at most: what the open question is about, and the report that it belongs to. Times are story time."""
    return QUESTION, {"number_hash": number_hash, "asked_after": asked_after}


ASK = """
    INSERT INTO questions (number_hash, about, provisional, asked_at)
    VALUES (%(number_hash)s, %(about)s, %(provisional)s, %(at)s)
    ON CONFLICT (number_hash) DO UPDATE SET
        about = excluded.about, provisional = excluded.provisional, asked_at = excluded.asked_at
"""
ANSWERED = "DELETE FROM questions WHERE number_hash = %(number_hash)s"


def ask(uow: UnitOfWork, number_hash: bytes, about: str, provisional: ChildId, at: datetime) -> None:
    """One question at a time: a later one takes the place of an earlier."""
    row = {"number_hash": number_hash, "about": about, "provisional": provisional, "at": at}
    uow.write(ASK, row)


def answered(uow: UnitOfWork, number_hash: bytes) -> None:
    uow.write(ANSWERED, {"number_hash": number_hash})


OPEN_PROVISIONALS = """
    SELECT provisional, child, reported_at, authority, placement FROM provisionals WHERE number_hash = %(number_hash)s AND ended_at IS NULL ORDER BY reported_at
"""


def open_provisionals(number_hash: bytes) -> Statement:
    """Reports by this number about a child not named at first, with the child where it has been named since."""
    return OPEN_PROVISIONALS, {"number_hash": number_hash}


OPEN = """
    INSERT INTO provisionals (provisional, number_hash, reported_at, authority, placement)
    VALUES (%(provisional)s, %(number_hash)s, %(at)s, %(authority)s, %(placement)s)
    ON CONFLICT DO NOTHING
"""
IDENTIFY = "UPDATE provisionals SET child = %(child)s WHERE provisional = %(provisional)s"
END = "UPDATE provisionals SET ended_at = %(at)s WHERE provisional = %(provisional)s"


def open_provisional(
    uow: UnitOfWork,
    provisional: ChildId,
    number_hash: bytes,
    at: datetime,
    *,
    authority: AuthorityId,
    placement: PlacementId | None,
) -> None:
    """`authority`, `placement`: to which it was reported, where the number is known to several."""
    row = {"provisional": provisional, "number_hash": number_hash, "at": at}
    uow.write(OPEN, row | {"authority": authority, "placement": placement})


def identify(uow: UnitOfWork, provisional: ChildId, child: ChildId) -> None:
    uow.write(IDENTIFY, {"provisional": provisional, "child": child})


def end(uow: UnitOfWork, provisional: ChildId, at: datetime) -> None:
    uow.write(END, {"provisional": provisional, "at": at})
