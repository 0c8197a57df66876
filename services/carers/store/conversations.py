"""What a conversation remembers of a number: the question it was asked, and its reports without a name."""

from datetime import datetime

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert

from services.carers.store.tables import provisionals, questions
from services.safeguarding.identifiers import ChildId
from services.store.pipeline import Statement
from services.store.transaction import Transaction

QUESTION = "SELECT about, provisional FROM questions WHERE number_hash = %(number_hash)s AND asked_at > %(asked_after)s"


def question(number_hash: bytes, asked_after: datetime) -> Statement:
    """One row at most: what the open question is about, and the report that it belongs to. Times are story time."""
    return QUESTION, {"number_hash": number_hash, "asked_after": asked_after}


async def ask(transaction: Transaction, number_hash: bytes, about: str, provisional: ChildId, at: datetime) -> None:
    """One question at a time: a later one takes the place of an earlier."""
    row = {"number_hash": number_hash, "about": about, "provisional": provisional, "asked_at": at}
    written = insert(questions).values(row)
    await transaction.connection.execute(
        written.on_conflict_do_update(index_elements=[questions.c.number_hash], set_=row)
    )


async def answered(transaction: Transaction, number_hash: bytes) -> None:
    await transaction.connection.execute(delete(questions).where(questions.c.number_hash == number_hash))


OPEN_PROVISIONALS = """
    SELECT provisional, child FROM provisionals WHERE number_hash = %(number_hash)s AND ended_at IS NULL ORDER BY reported_at
"""


def open_provisionals(number_hash: bytes) -> Statement:
    """Reports by this number about a child not named at first, with the child where it has been named since."""
    return OPEN_PROVISIONALS, {"number_hash": number_hash}


async def open_provisional(transaction: Transaction, provisional: ChildId, number_hash: bytes, at: datetime) -> None:
    row = {"provisional": provisional, "number_hash": number_hash, "reported_at": at}
    await transaction.connection.execute(insert(provisionals).values(row).on_conflict_do_nothing())


async def identify(transaction: Transaction, provisional: ChildId, child: ChildId) -> None:
    await transaction.connection.execute(
        update(provisionals).where(provisionals.c.provisional == provisional).values(child=child)
    )


async def end(transaction: Transaction, provisional: ChildId, at: datetime) -> None:
    await transaction.connection.execute(
        update(provisionals).where(provisionals.c.provisional == provisional).values(ended_at=at)
    )
