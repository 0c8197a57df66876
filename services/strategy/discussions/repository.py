"""Discussions and who is invited to each. Ids, roles, times and replies; an address as a keyed hash alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.store.query import execute_pipelined
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.meetings import Form
from services.safeguarding.roles import Role
from services.strategy.discussions.policy import Attendance, Reply
from services.strategy.discussions.tables import attendees, discussions

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


IN_FULL = [discussions.c[name] for name in Discussion.__slots__]


@dataclass(frozen=True, slots=True)
class Attendee:
    duty: UUID
    step: int
    role: Role
    delivery: UUID
    person: str | None
    reply: Reply


# Sent as they are, several in one round trip: each invitation and each answer asks them.
HELD_ROW = f"SELECT {', '.join(Discussion.__slots__)} FROM discussions WHERE discussion = {{which}} FOR UPDATE"  # noqa: S608 its own columns
HOLD = HELD_ROW.format(which="%(discussion)s")
OF_DUTY = HELD_ROW.format(which="(SELECT discussion FROM attendees WHERE duty = %(duty)s AND step = %(step)s)")
REPLIED = "UPDATE attendees SET reply = %(reply)s, replied_at = %(at)s WHERE duty = %(duty)s AND step = %(step)s"
LOCKS = 0x7FFF_FFFF_FFFF_FFFF
"""As large a number as PostgreSQL takes for one."""
LOCK = "SELECT pg_advisory_xact_lock(%(lock)s)"
"""Of the episode: nobody else numbers its discussions before this transaction ends."""
ATTENDEES = """
    SELECT duty, step, role, delivery, person, reply FROM attendees
    WHERE discussion = %(discussion)s AND person IS NOT NULL {more} ORDER BY role, step
"""
EVERYONE = ATTENDEES.format(more="")
WITH_ADDRESS = ATTENDEES.format(more="AND address_hash = ANY(%(hashes)s)")


async def hold(uow: UnitOfWork, discussion: UUID) -> Discussion | None:
    """Nobody else changes it, or its replies, before this transaction ends."""
    [found] = await execute_pipelined(uow.connection, (HOLD, {"discussion": discussion}))
    return discussion_of(found[0]) if found else None


async def hold_with(
    uow: UnitOfWork, discussion: UUID, address_hashes: Sequence[bytes]
) -> tuple[Discussion | None, list[Attendee]]:
    """And those who were invited at this address."""
    theirs = (WITH_ADDRESS, {"discussion": discussion, "hashes": list(address_hashes)})
    found, mine = await execute_pipelined(uow.connection, (HOLD, {"discussion": discussion}), theirs)
    return discussion_of(found[0]) if found else None, [_attendee(row) for row in mine]


async def of_duty(uow: UnitOfWork, duty: UUID, step: int) -> Discussion | None:
    [found] = await execute_pipelined(uow.connection, (OF_DUTY, {"duty": duty, "step": step}))
    return discussion_of(found[0]) if found else None


async def of_child(
    uow: UnitOfWork,
    child: str,
    number: int | None,
    *,
    exercise: bool,
    states: Sequence[State] = (PLANNED,),
    form: Form | None = None,
    episode: UUID | None = None,
) -> Discussion | None:
    """The newest with this number that is planned, or in another of `states`; of this episode, where one is given.

    Without a number the newest planned one, of this form if there is one; only then one in another of the states.
    """
    named = {discussions.c.number: number, discussions.c.episode: episode}
    asked = select(discussions.c.discussion).where(
        *(discussions.c.child == child, discussions.c.exercise == exercise, discussions.c.state.in_(states)),
        *(column == name for column, name in named.items() if name is not None),
    )
    newest = (
        (discussions.c.state == PLANNED).desc(),
        (discussions.c.form == form).desc(),
        discussions.c.starts_at.desc(),
    )
    name = await uow.connection.scalar(asked.order_by(*newest).limit(1))
    return None if name is None else await hold(uow, name)


async def of_episode(uow: UnitOfWork, episode: UUID) -> list[Discussion]:
    rows = await uow.connection.execute(
        select(*IN_FULL)
        .where(discussions.c.episode == episode, discussions.c.state == PLANNED)
        .order_by(discussions.c.number)
        .with_for_update()
    )
    return [discussion_of(row) for row in rows]


OF_KNOWN_CHILD = "UPDATE discussions SET child = %(child)s WHERE episode = %(episode)s AND child <> %(child)s"


async def of_known_child(uow: UnitOfWork, episode: UUID, child: str) -> None:
    """All of them, held and called off as well: whoever convenes moves or records one under the child's own name."""
    await execute_pipelined(uow.connection, (OF_KNOWN_CHILD, {"episode": episode, "child": child}))


OF_ANOTHER = """
    UPDATE discussions SET episode = %(episode)s, child = %(child)s,
        number = (SELECT coalesce(max(number), 0) + 1 FROM discussions WHERE episode = %(episode)s)
    WHERE discussion = %(discussion)s RETURNING number
"""


async def of_another(uow: UnitOfWork, found: Discussion, episode: UUID, child: str) -> Discussion:
    """The same discussion, with the next number of another episode. No new SEQUENCE: nothing changes in a calendar."""
    asked = {"discussion": found.discussion, "episode": episode, "child": child, "lock": episode.int & LOCKS}
    _, [(number,)] = await execute_pipelined(uow.connection, (LOCK, asked), (OF_ANOTHER, asked))
    return replace(found, episode=episode, child=child, number=number)


async def change(
    uow: UnitOfWork, found: Discussion, *, state: State, starts_at: datetime, asked_again_at: datetime | None
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
    await uow.connection.execute(
        update(discussions)
        .where(discussions.c.discussion == found.discussion)
        .values(
            moved
            | {"warned_at": None, "record_asked_at": None, "answers_due_at": _answers_due(changed, asked_again_at)}
        )
    )
    if asked_again_at is not None:
        await uow.connection.execute(
            update(attendees)
            .where(attendees.c.discussion == found.discussion)
            .values(reply=Reply.WAITING, replied_at=None)
        )
    return changed


def _answers_due(moved: Discussion, asked_at: datetime | None) -> datetime | None:
    """None where whoever convenes hears of it before, since the discussion begins."""
    due_at = None if asked_at is None else asked_at + moved.answers_within
    return due_at if due_at is not None and due_at < moved.warns_at else None


async def recorded(uow: UnitOfWork, found: Discussion) -> Discussion:
    """No new SEQUENCE: nothing changes in a calendar."""
    await uow.connection.execute(
        update(discussions).where(discussions.c.discussion == found.discussion).values(state=HELD)
    )
    return replace(found, state=HELD)


async def replied(uow: UnitOfWork, found: Discussion, attendee: Attendee, reply: Reply, at: datetime) -> list[Attendee]:
    """Everyone who has been invited, with this reply."""
    answer = {"duty": attendee.duty, "step": attendee.step, "reply": reply, "at": at}
    everyone = (EVERYONE, {"discussion": found.discussion})
    _, rows = await execute_pipelined(uow.connection, (REPLIED, answer), everyone)
    return [_attendee(row) for row in rows]


async def attendees_of(
    connection: AsyncConnection, discussion: UUID, address_hashes: Sequence[bytes] | None = None
) -> list[Attendee]:
    """All who have been invited; with `address_hashes` those with this address (one person may hold two roles)."""
    asked = EVERYONE if address_hashes is None else WITH_ADDRESS
    [rows] = await execute_pipelined(
        connection, (asked, {"discussion": discussion, "hashes": list(address_hashes or ())})
    )
    return [_attendee(row) for row in rows]


OF_ONE_DUTY = """
    SELECT duty, step, role, delivery, person, reply FROM attendees
    WHERE duty = %(duty)s AND person IS NOT NULL ORDER BY step
"""


async def of_one_duty(connection: AsyncConnection, duty: UUID) -> list[Attendee]:
    """Whoever has been invited by this duty, at whichever step."""
    [rows] = await execute_pipelined(connection, (OF_ONE_DUTY, {"duty": duty}))
    return [_attendee(row) for row in rows]


def attendance(found: Sequence[Attendee]) -> list[Attendance]:
    return [Attendance(each.role, each.reply) for each in found]


def discussion_of(row: Sequence[Any]) -> Discussion:
    """Of a row of `IN_FULL`."""
    found = Discussion(*row)
    return replace(found, unless=tuple(found.unless))


def _attendee(row: Sequence[Any]) -> Attendee:
    duty, step, role, delivery, person, reply = row
    return Attendee(duty, step, Role(role), delivery, person, Reply(reply))
