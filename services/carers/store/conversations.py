"""What a conversation remembers of a number: the question it was asked, and its reports without a name."""

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.carers.store.tables import provisionals, questions
from services.safeguarding.identifiers import ChildId
from services.store.transaction import Transaction


async def question(
    connection: AsyncConnection, number_hash: bytes, asked_after: datetime
) -> tuple[str, ChildId] | None:
    """What the open question is about, and the report that it belongs to. Times are story time."""
    found = await connection.execute(
        select(questions.c.about, questions.c.provisional).where(
            questions.c.number_hash == number_hash, questions.c.asked_at > asked_after
        )
    )
    row = found.first()
    return None if row is None else (row[0], row[1])


async def ask(transaction: Transaction, number_hash: bytes, about: str, provisional: ChildId, at: datetime) -> None:
    """One question at a time: a later one takes the place of an earlier."""
    row = {"number_hash": number_hash, "about": about, "provisional": provisional, "asked_at": at}
    written = insert(questions).values(row)
    await transaction.connection.execute(
        written.on_conflict_do_update(index_elements=[questions.c.number_hash], set_=row)
    )


async def answered(transaction: Transaction, number_hash: bytes) -> None:
    await transaction.connection.execute(delete(questions).where(questions.c.number_hash == number_hash))


async def open_provisionals(connection: AsyncConnection, number_hash: bytes) -> list[tuple[ChildId, ChildId | None]]:
    """Reports by this number about a child not named at first, with the child where it has been named since."""
    found = await connection.execute(
        select(provisionals.c.provisional, provisionals.c.child)
        .where(provisionals.c.number_hash == number_hash, provisionals.c.ended_at.is_(None))
        .order_by(provisionals.c.reported_at)
    )
    return [(row[0], row[1]) for row in found]


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
