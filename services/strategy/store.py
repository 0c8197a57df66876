"""Discussions and who is invited to each. Ids, roles, times and replies; an address as a keyed hash alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias, cast
from uuid import UUID

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.safeguarding.duties import Duty
from services.safeguarding.meetings import Form
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
    """`discussion` is the UID's first half, the same for ever; `number` counts the episode's discussions from 1.

    `warns_at` is when whoever convenes hears of a lacking quorum; `unless` are the states of the episode that call it off.
    `answers_within` is how long people have to say again that they come, after it was moved.
    """

    discussion: UUID
    episode: UUID
    number: int
    child: str
    authority: str
    sequence: int
    state: State
    form: Form
    starts_at: datetime
    ends_at: datetime
    warns_at: datetime
    unless: tuple[str, ...]
    answers_within: timedelta
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


# Built once: each invitation asks them.
ADDRESSED = (
    update(attendees)
    .where(attendees.c.duty == bindparam("of_duty"), attendees.c.step == bindparam("of_step"))
    .values(person=bindparam("person"), address_hash=bindparam("address_hash"))
)
HOLD = select(discussions).where(discussions.c.discussion == bindparam("discussion")).with_for_update()
OF_DUTY = select(attendees.c.discussion).where(
    attendees.c.duty == bindparam("duty"), attendees.c.step == bindparam("step")
)


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
    who = {"of_duty": duty.duty, "of_step": duty.step, "person": person, "address_hash": address_hash}
    await transaction.connection.execute(ADDRESSED, who)


async def hold(transaction: Transaction, discussion: UUID) -> Discussion | None:
    """Nobody else changes it, or its replies, before this transaction ends."""
    row = (await transaction.connection.execute(HOLD, {"discussion": discussion})).first()
    return None if row is None else discussion_of(row)


async def of_duty(transaction: Transaction, duty: UUID, step: int) -> Discussion | None:
    name = await transaction.connection.scalar(OF_DUTY, {"duty": duty, "step": step})
    return None if name is None else await hold(transaction, name)


async def of_child(
    transaction: Transaction,
    child: str,
    number: int | None,
    *,
    exercise: bool,
    states: Sequence[State] = (PLANNED,),
    form: Form | None = None,
) -> Discussion | None:
    """The newest with this number that is planned, or in another of `states`.

    Without a number the newest planned one, of this form if there is one; only then one in another of the states.
    """
    asked = select(discussions.c.discussion).where(
        discussions.c.child == child, discussions.c.exercise == exercise, discussions.c.state.in_(states)
    )
    if number is not None:
        asked = asked.where(discussions.c.number == number)
    newest = (
        (discussions.c.state == PLANNED).desc(),
        (discussions.c.form == form).desc(),
        discussions.c.starts_at.desc(),
    )
    name = await transaction.connection.scalar(asked.order_by(*newest).limit(1))
    return None if name is None else await hold(transaction, name)


async def newest_with(transaction: Transaction, address_hashes: Sequence[bytes]) -> Discussion | None:
    """The newest to which somebody with this address was invited, called off or not."""
    name = await transaction.connection.scalar(
        select(attendees.c.discussion)
        .join(discussions, discussions.c.discussion == attendees.c.discussion)
        .where(attendees.c.address_hash.in_(address_hashes))
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
    transaction: Transaction, found: Discussion, *, state: State, starts_at: datetime, asked_again_at: datetime | None
) -> Discussion:
    """The next SEQUENCE. `asked_again_at`: what was said of the earlier date counts no more."""
    by = starts_at - found.starts_at
    changed = replace(
        found,
        sequence=found.sequence + 1,
        state=state,
        starts_at=starts_at,
        ends_at=found.ends_at + by,
        warns_at=found.warns_at + by,
    )
    moved = {name: getattr(changed, name) for name in ("sequence", "state", "starts_at", "ends_at", "warns_at")}
    await transaction.connection.execute(
        update(discussions)
        .where(discussions.c.discussion == found.discussion)
        .values(
            moved
            | {"warned_at": None, "record_asked_at": None, "answers_due_at": _answers_due(changed, asked_again_at)}
        )
    )
    if asked_again_at is not None:
        await transaction.connection.execute(
            update(attendees)
            .where(attendees.c.discussion == found.discussion)
            .values(reply=Reply.WAITING, replied_at=None)
        )
    return changed


def _answers_due(moved: Discussion, asked_at: datetime | None) -> datetime | None:
    """None where whoever convenes hears of it before, since the discussion begins."""
    due_at = None if asked_at is None else asked_at + moved.answers_within
    return due_at if due_at is not None and due_at < moved.warns_at else None


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
    connection: AsyncConnection, discussion: UUID, address_hashes: Sequence[bytes] | None = None
) -> list[Attendee]:
    """All who have been invited; with `address_hashes` those with this address (one person may hold two roles)."""
    asked = select(attendees).where(attendees.c.discussion == discussion, attendees.c.person.is_not(None))
    if address_hashes is not None:
        asked = asked.where(attendees.c.address_hash.in_(address_hashes))
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
    del content["warned_at"], content["record_asked_at"], content["answers_due_at"]
    return Discussion(**content | {"unless": tuple(content["unless"])})


def _attendee(row: Row[Any]) -> Attendee:
    return Attendee(row.duty, row.step, Role(row.role), row.delivery, row.person, Reply(row.reply))
