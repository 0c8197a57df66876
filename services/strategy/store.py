"""Discussions and who is invited to each. Ids, roles, times and replies; an address as a keyed hash alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, TypeAlias, cast
from uuid import UUID

from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.safeguarding.duties import Duty
from services.safeguarding.identifiers import derived
from services.safeguarding.roles import Role
from services.store.transaction import Transaction
from services.strategy.policy import Attendance, Reply
from services.strategy.tables import attendees, discussions

State: TypeAlias = Literal["planned", "cancelled", "held"]
PLANNED: State = "planned"
CANCELLED: State = "cancelled"
HELD: State = "held"


@dataclass(frozen=True, slots=True)
class Discussion:
    """`discussion` is the UID's first half, the same for ever; `number` counts the episode's discussions from 1."""

    discussion: UUID
    episode: UUID
    number: int
    child: str
    authority: str
    sequence: int
    state: State
    starts_at: datetime
    exercise: bool
    trace: str | None


@dataclass(frozen=True, slots=True)
class Attendee:
    duty: UUID
    step: int
    role: Role
    delivery: UUID
    person: str | None
    reply: Reply


async def plan(
    transaction: Transaction, duty: Duty, *, child: str, starts_at: datetime, exercise: bool, trace: str | None
) -> tuple[Discussion, bool]:
    """The episode's discussion, and whether it was planned just now. Its id follows from episode and number: no crash makes two.

    After a cancelled or recorded one the next number is planned; a later telling of one duty is to the discussion of the first.
    """
    episode = duty.episode or duty.refers_to or duty.duty
    first = await transaction.connection.scalar(
        select(attendees.c.discussion).where(attendees.c.duty == duty.duty).order_by(attendees.c.step).limit(1)
    )
    if first is not None and (before := await hold(transaction, first)) is not None:
        return before, False
    latest = await transaction.connection.scalar(
        select(discussions.c.number)
        .where(discussions.c.episode == episode, discussions.c.state.in_((CANCELLED, HELD)))
        .order_by(discussions.c.number.desc())
        .limit(1)
    )
    number = (latest or 0) + 1
    discussion = derived("strategy discussion", str(episode), str(number))
    written = await transaction.connection.execute(
        insert(discussions)
        .values(
            discussion=discussion,
            episode=episode,
            number=number,
            child=child,
            authority=duty.authority,
            sequence=0,
            state=PLANNED,
            starts_at=starts_at,
            exercise=exercise,
            trace=trace,
        )
        .on_conflict_do_nothing()
        .returning(discussions.c.discussion)
    )
    is_new = written.first() is not None
    found = await hold(transaction, discussion)
    if found is None:
        raise RuntimeError("a discussion that exists was not found")
    return found, is_new


async def invite(transaction: Transaction, discussion: UUID, duty: Duty) -> None:
    row = {
        "duty": duty.duty,
        "step": duty.step,
        "discussion": discussion,
        "role": duty.role,
        "delivery": duty.telling,
        "reply": Reply.WAITING,
    }
    await transaction.connection.execute(insert(attendees).values(row).on_conflict_do_nothing())


async def addressed(transaction: Transaction, duty: Duty, person: str, address_hash: bytes) -> None:
    """Who it is that was invited, known when the invitation is first sent."""
    await transaction.connection.execute(
        update(attendees)
        .where(attendees.c.duty == duty.duty, attendees.c.step == duty.step)
        .values(person=person, address_hash=address_hash)
    )


async def hold(transaction: Transaction, discussion: UUID) -> Discussion | None:
    """Nobody else changes it, or its replies, before this transaction ends."""
    found = await transaction.connection.execute(
        select(discussions).where(discussions.c.discussion == discussion).with_for_update()
    )
    row = found.first()
    return None if row is None else discussion_of(row)


async def of_duty(transaction: Transaction, duty: UUID, step: int) -> Discussion | None:
    name = await transaction.connection.scalar(
        select(attendees.c.discussion).where(attendees.c.duty == duty, attendees.c.step == step)
    )
    return None if name is None else await hold(transaction, name)


async def of_child(
    transaction: Transaction, child: str, number: int, *, exercise: bool, states: Sequence[State] = (PLANNED,)
) -> Discussion | None:
    """The newest with this number that is planned, or in another of `states`."""
    name = await transaction.connection.scalar(
        select(discussions.c.discussion)
        .where(
            discussions.c.child == child,
            discussions.c.number == number,
            discussions.c.exercise == exercise,
            discussions.c.state.in_(states),
        )
        .order_by(discussions.c.starts_at.desc())
        .limit(1)
    )
    return None if name is None else await hold(transaction, name)


async def newest_with(transaction: Transaction, address_hash: bytes) -> Discussion | None:
    """The newest to which somebody with this address was invited, called off or not."""
    name = await transaction.connection.scalar(
        select(attendees.c.discussion)
        .join(discussions, discussions.c.discussion == attendees.c.discussion)
        .where(attendees.c.address_hash == address_hash)
        .order_by(discussions.c.starts_at.desc())
        .limit(1)
    )
    return None if name is None else await hold(transaction, name)


async def of_episode(transaction: Transaction, episode: UUID) -> list[Discussion]:
    rows = await transaction.connection.execute(
        select(discussions)
        .where(discussions.c.episode == episode, discussions.c.state == PLANNED)
        .order_by(discussions.c.number)
        .with_for_update()
    )
    return [discussion_of(row) for row in rows]


async def change(
    transaction: Transaction, found: Discussion, *, state: State, starts_at: datetime, reply_again: bool
) -> Discussion:
    """The next SEQUENCE. `reply_again`: what was said of the earlier date counts no more."""
    sequence = found.sequence + 1
    await transaction.connection.execute(
        update(discussions)
        .where(discussions.c.discussion == found.discussion)
        .values(sequence=sequence, state=state, starts_at=starts_at, warned_at=None, record_asked_at=None)
    )
    if reply_again:
        await transaction.connection.execute(
            update(attendees)
            .where(attendees.c.discussion == found.discussion)
            .values(reply=Reply.WAITING, replied_at=None)
        )
    changed = await hold(transaction, found.discussion)
    return changed or found


async def recorded(transaction: Transaction, found: Discussion) -> Discussion:
    """No new SEQUENCE: nothing changes in a calendar."""
    await transaction.connection.execute(
        update(discussions).where(discussions.c.discussion == found.discussion).values(state=HELD)
    )
    return replace(found, state=HELD)


async def replied(transaction: Transaction, attendee: Attendee, reply: Reply, at: datetime) -> None:
    await transaction.connection.execute(
        update(attendees)
        .where(attendees.c.duty == attendee.duty, attendees.c.step == attendee.step)
        .values(reply=reply, replied_at=at)
    )


async def attendees_of(
    connection: AsyncConnection, discussion: UUID, address_hash: bytes | None = None
) -> list[Attendee]:
    """All who have been invited; with `address_hash` those with this address (one person may hold two roles)."""
    asked = select(attendees).where(attendees.c.discussion == discussion, attendees.c.person.is_not(None))
    if address_hash is not None:
        asked = asked.where(attendees.c.address_hash == address_hash)
    rows = await connection.execute(asked.order_by(attendees.c.role, attendees.c.step))
    return [_attendee(row) for row in rows]


async def of_one_duty(connection: AsyncConnection, duty: UUID) -> list[Attendee]:
    """Whoever has been invited by this duty, at whichever step."""
    rows = await connection.execute(
        select(attendees).where(attendees.c.duty == duty, attendees.c.person.is_not(None)).order_by(attendees.c.step)
    )
    return [_attendee(row) for row in rows]


def attendance(found: list[Attendee]) -> list[Attendance]:
    return [Attendance(each.role, each.reply) for each in found]


def discussion_of(row: Row[Any]) -> Discussion:
    content = cast("dict[str, Any]", dict(row._mapping))  # noqa: SLF001 SQLAlchemy's public name for it
    del content["warned_at"], content["record_asked_at"]
    return Discussion(**content)


def _attendee(row: Row[Any]) -> Attendee:
    return Attendee(row.duty, row.step, Role(row.role), row.delivery, row.person, Reply(row.reply))
