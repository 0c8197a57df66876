"""Keeps discussions, the people invited to each, and their replies: ids, states and times, and nothing that anybody
said. Of an address it keeps only a keyed hash.

Each query locks the rows that it returns: nobody else changes a discussion, or the replies to it, before this
transaction ends. Who locks discussions and rows of their mails locks the discussions first, and several of them in
the order of children, as messages are handled: so nobody waits for whoever waits for them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias
from uuid import UUID

from services.platform.store.query import Query, Rows, all_rows, scalar
from services.platform.store.unit_of_work import Local, UnitOfWork
from services.safeguarding.duty.duties import Duty
from services.safeguarding.meetings import Form
from services.safeguarding.roles import Role
from services.strategy.discussions.policy import Attendance, Reply


@dataclass(frozen=True, slots=True)
class Attendee(Attendance):
    duty: UUID
    step: int
    delivery: UUID


ENGAGED = """
    SELECT FROM discussions here
    JOIN discussions other ON other.discussion <> here.discussion AND other.exercise = here.exercise
        AND other.state = 'planned' AND other.record_asked_at IS NULL
        AND other.starts_at < here.ends_at AND other.ends_at > here.starts_at
    JOIN attendees before ON before.discussion = other.discussion AND before.person = asked.person
        AND before.reply = 'accepted'
    WHERE here.discussion = asked.discussion AND asked.reply = 'accepted'
        AND (before.replied_at, other.discussion) < (asked.replied_at, here.discussion)
"""
"""Of an attendee: what they had accepted for the same time before, and nobody has called off since."""
ATTENDEES = f"""
    SELECT duty, step, role, delivery, person, reply, EXISTS ({ENGAGED}) AS engaged
    FROM attendees asked WHERE person IS NOT NULL AND {{which}} ORDER BY role, step
"""  # noqa: S608 this module's own words
OF_DISCUSSION = ATTENDEES.format(which="discussion = %(discussion)s")
WITH_ADDRESS = ATTENDEES.format(which="discussion = %(discussion)s AND address_hash = ANY(%(hashes)s)")
OF_DUTY = ATTENDEES.format(which="duty = %(duty)s")
ATTENDEE_BY_DUTY = ATTENDEES.format(which="duty = %(duty)s AND step = %(step)s")


def attendees_of_discussion(discussion: UUID) -> Query[list[Attendee]]:
    """Everyone to whom an invitation has been sent."""
    return Query(OF_DISCUSSION, {"discussion": discussion}, _attendees)


def attendees_with_address(discussion: UUID, address_hashes: Sequence[bytes]) -> Query[list[Attendee]]:
    """Those invited at this address. One person may hold two roles."""
    return Query(WITH_ADDRESS, {"discussion": discussion, "hashes": list(address_hashes)}, _attendees)


def attendees_of_duty(duty: UUID) -> Query[list[Attendee]]:
    """Those invited at any step of the duty."""
    return Query(OF_DUTY, {"duty": duty}, _attendees)


def attendee_by_duty(duty: Duty) -> Query[Attendee | None]:
    """The one invited at this step of the duty."""
    return Query(
        ATTENDEE_BY_DUTY, {"duty": duty.duty, "step": duty.step}, lambda rows: next(iter(_attendees(rows)), None)
    )


def _attendees(rows: Rows) -> list[Attendee]:
    return [
        Attendee(
            Role(row.role), Reply(row.reply), row.duty, row.step, row.delivery, person=row.person, engaged=row.engaged
        )
        for row in rows
    ]


INVITE = """
    INSERT INTO attendees (duty, step, discussion, role, delivery, reply)
    VALUES (%(duty)s, %(step)s, %(discussion)s, %(role)s, %(delivery)s, 'waiting')
    ON CONFLICT DO NOTHING
"""
INVITED: Local[dict[UUID, UUID]] = Local(dict)
"""By duty, the discussion of the invitations that this transaction writes."""


def invite(uow: UnitOfWork, discussion: UUID, duty: Duty) -> None:
    """Written with the commit: only `invited_to` knows it before. The person is known once the invitation is sent."""
    about = {"duty": duty.duty, "step": duty.step, "role": duty.role, "delivery": duty.telling}
    uow.write(INVITE, about | {"discussion": discussion})
    uow.local(INVITED)[duty.duty] = discussion


def invited_to(uow: UnitOfWork, duty: UUID) -> UUID | None:
    """The discussion to which the duty has invited somebody in this transaction."""
    return uow.local(INVITED).get(duty)


SET_PERSON = """
    UPDATE attendees SET person = %(person)s, address_hash = %(address_hash)s WHERE duty = %(duty)s AND step = %(step)s
"""


def set_person(uow: UnitOfWork, duty: Duty, person: str, address_hash: bytes) -> None:
    """Written with the commit, when the invitation is first sent."""
    uow.write(SET_PERSON, {"duty": duty.duty, "step": duty.step, "person": person, "address_hash": address_hash})


SET_REPLY = "UPDATE attendees SET reply = %(reply)s, replied_at = %(at)s WHERE duty = %(duty)s AND step = %(step)s"


async def set_reply(
    uow: UnitOfWork, discussion: UUID, attendee: Attendee, reply: Reply, at: datetime
) -> list[Attendee]:
    """Returns everyone invited, with this reply. `at` is story time."""
    row = {"duty": attendee.duty, "step": attendee.step, "reply": reply, "at": at}
    _, everyone = await uow.fetch(Query(SET_REPLY, row, all_rows), attendees_of_discussion(discussion))
    return everyone


INVITERS = """
    SELECT d.authority, min(a.person) AS person, bool_and(d.exercise) AS exercise
    FROM attendees AS a JOIN discussions AS d ON d.discussion = a.discussion
    WHERE a.address_hash = ANY(%(hashes)s) GROUP BY d.authority ORDER BY d.authority
"""


def inviters(address_hashes: Sequence[bytes]) -> Query[Rows]:
    """Every `authority` that ever invited a `person` at this address. `exercise`: to exercises alone."""
    return Query(INVITERS, {"hashes": list(address_hashes)}, all_rows)


State: TypeAlias = Literal["planned", "cancelled", "held"]
PLANNED: State = "planned"
CANCELLED: State = "cancelled"
HELD: State = "held"


@dataclass(frozen=True, slots=True)
class Discussion:
    """`discussion` is the first half of the calendar's UID and never changes. `number` counts the episode's discussions
    from 1.

    At `warns_at` the convener hears of a lacking quorum. `unless`: the states of the episode that call the discussion
    off. `answers_within`: the time that people have to reply again after it was moved.
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


COLUMNS = ", ".join(Discussion.__slots__)
ONE = f"SELECT {COLUMNS} FROM discussions WHERE discussion = ({{which}}) FOR UPDATE"  # noqa: S608 its own columns
ONE_STILL = ONE.replace("FOR UPDATE", "AND {still} FOR UPDATE")
"""After a wait for the row PostgreSQL asks `still` of what it has become, and `which` of nothing."""
BY_ID = ONE.format(which="%(discussion)s")
BY_DUTY = ONE.format(which="SELECT discussion FROM attendees WHERE duty = %(duty)s AND step = %(step)s")
BY_RECORDER = ONE.format(which="SELECT discussion FROM recorders WHERE duty = %(duty)s AND step = %(step)s")
OF_CHILD = ONE_STILL.format(
    still="state = ANY(%(states)s)",
    which="""
        SELECT discussion FROM discussions
        WHERE child = %(child)s AND exercise = %(exercise)s AND state = ANY(%(states)s)
            AND (number = %(number)s OR %(number)s::int IS NULL) AND (episode = %(episode)s OR %(episode)s::uuid IS NULL)
        ORDER BY state = 'planned' DESC, form = %(form)s::text DESC, starts_at DESC LIMIT 1
    """,
)
WITHOUT_RECORD = ONE_STILL.format(
    still="state = 'planned' AND record_asked_at IS NOT NULL",
    which="""
        SELECT discussion FROM discussions WHERE episode = %(episode)s AND state = 'planned' AND record_asked_at IS NOT NULL
        ORDER BY number DESC LIMIT 1
    """,
)
OF_EPISODE = f"""
    SELECT {COLUMNS} FROM discussions WHERE episode = %(episode)s AND state = 'planned' ORDER BY number FOR UPDATE
"""  # noqa: S608 its own columns


def discussion_by_id(discussion: UUID) -> Query[Discussion | None]:
    return Query(BY_ID, {"discussion": discussion}, first_discussion)


def discussion_by_duty(duty: Duty) -> Query[Discussion | None]:
    """The discussion to which this step of the duty invites."""
    return Query(BY_DUTY, {"duty": duty.duty, "step": duty.step}, first_discussion)


def discussion_by_recorder(duty: Duty) -> Query[Discussion | None]:
    """The discussion whose record this step of the duty asks for."""
    return Query(BY_RECORDER, {"duty": duty.duty, "step": duty.step}, first_discussion)


def discussion_of_child(
    child: str,
    number: int | None,
    *,
    exercise: bool,
    states: Sequence[State] = (PLANNED,),
    form: Form | None = None,
    episode: UUID | None = None,
) -> Query[Discussion | None]:
    """The newest discussion in one of these states, with this number and of this episode if they are given. A planned
    one goes before others, then one of this form.
    """
    about = {"child": child, "number": number, "exercise": exercise, "states": list(states), "form": form}
    return Query(OF_CHILD, about | {"episode": episode}, first_discussion)


def discussion_without_record(episode: UUID) -> Query[Discussion | None]:
    """The episode's newest discussion that is over and not recorded."""
    return Query(WITHOUT_RECORD, {"episode": episode}, first_discussion)


OF_MAILS = """
    SELECT a.discussion FROM attendees AS a JOIN delivery.deliveries AS sent ON sent.duty = a.duty AND sent.step = a.step
    WHERE sent.id = ANY(%(mails)s)
    UNION SELECT r.discussion FROM recorders AS r JOIN delivery.deliveries AS sent ON sent.duty = r.duty AND sent.step = r.step
    WHERE sent.id = ANY(%(mails)s)
"""


def discussions_of_mails(mails: Sequence[UUID]) -> Query[set[UUID]]:
    """The discussions that these mails of ours are about."""
    return Query(OF_MAILS, {"mails": list(mails)}, lambda rows: {row.discussion for row in rows})


def _lock(which: str) -> str:
    return f"SELECT discussion FROM discussions WHERE {which} ORDER BY child, discussion FOR UPDATE"  # noqa: S608 its own


LOCK_OF_MAILS = _lock(f"discussion IN ({OF_MAILS})")
LOCK_OF_CHILDREN = _lock("child = ANY(%(children)s)")
LOCK_OF_EPISODES = _lock("episode = ANY(%(episodes)s)")


def lock_of_mails(mails: Iterable[UUID]) -> Query[Rows]:
    """What these mails of ours are about."""
    return Query(LOCK_OF_MAILS, {"mails": list(mails)}, all_rows)


def lock_of_children(children: Iterable[str]) -> Query[Rows]:
    return Query(LOCK_OF_CHILDREN, {"children": list(children)}, all_rows)


def planned_discussions(episode: UUID) -> Query[list[Discussion]]:
    return Query(OF_EPISODE, {"episode": episode}, read_discussions)


HELD_FORMS = "SELECT DISTINCT form FROM discussions WHERE episode = %(episode)s AND state = 'held'"


def held_forms(episode: UUID) -> Query[set[Form]]:
    """The forms in which the absence has been discussed and recorded."""
    return Query(HELD_FORMS, {"episode": episode}, lambda rows: {row.form for row in rows})


def read_discussions(rows: Rows) -> list[Discussion]:
    return [Discussion(**row._asdict() | {"unless": tuple(row.unless)}) for row in rows]


def first_discussion(rows: Rows) -> Discussion | None:
    return next(iter(read_discussions(rows)), None)


ADD = f"""
    INSERT INTO discussions ({COLUMNS}) VALUES ({", ".join(f"%({each})s" for each in Discussion.__slots__)})
    ON CONFLICT (discussion) DO NOTHING RETURNING discussion
"""  # noqa: S608 its own columns


async def add(uow: UnitOfWork, new: Discussion) -> bool:
    """False if another episode has taken one of this id over."""
    row = {each: getattr(new, each) for each in Discussion.__slots__}
    return await uow.fetch(Query(ADD, row | {"unless": list(new.unless)}, bool))


SET_CHILD = "UPDATE discussions SET child = %(child)s WHERE episode = %(episode)s AND child <> %(child)s"


async def set_child(uow: UnitOfWork, episode: UUID, child: str, *, merged_into: UUID | None) -> None:
    """Of every discussion of the episode, also those held or called off: the convener names them by this child. Locks
    those of the episode that it is merged into, too.
    """
    episodes = Query(LOCK_OF_EPISODES, {"episodes": [episode, merged_into]}, all_rows)
    await uow.fetch(episodes, Query(SET_CHILD, {"episode": episode, "child": child}, all_rows))


MOVE_TO_EPISODE = """
    UPDATE discussions SET episode = %(episode)s, child = %(child)s,
        number = (SELECT coalesce(max(number), 0) + 1 FROM discussions WHERE episode = %(episode)s)
    WHERE discussion = %(discussion)s RETURNING number
"""


async def move_to_episode(uow: UnitOfWork, found: Discussion, episode: UUID, child: str) -> Discussion:
    """The same discussion, with the next number of another episode. SEQUENCE stays: nothing changes in a calendar."""
    about = {"discussion": found.discussion, "episode": episode, "child": child}
    _, number = await uow.fetch(lock_numbers(episode), Query(MOVE_TO_EPISODE, about, scalar))
    return replace(found, episode=episode, child=child, number=number)


LARGEST_LOCK = 0x7FFF_FFFF_FFFF_FFFF
"""The largest number that PostgreSQL accepts for an advisory lock."""


def lock_numbers(episode: UUID) -> Query[Rows]:
    """No other transaction numbers the episode's discussions before this one ends."""
    return Query("SELECT pg_advisory_xact_lock(%(lock)s)", {"lock": episode.int & LARGEST_LOCK}, all_rows)


CHANGE = """
    UPDATE discussions SET sequence = %(sequence)s, state = %(state)s, starts_at = %(starts_at)s, ends_at = %(ends_at)s,
        warns_at = %(warns_at)s, answers_due_at = %(answers_due_at)s, warned_at = NULL, record_asked_at = NULL
    WHERE discussion = %(discussion)s
"""
FORGET_REPLIES = "UPDATE attendees SET reply = 'waiting', replied_at = NULL WHERE discussion = %(discussion)s"


async def change(
    uow: UnitOfWork, found: Discussion, *, state: State, starts_at: datetime, asked_again_at: datetime | None
) -> Discussion:
    """The next SEQUENCE. With `asked_again_at`, in story time, replies to the earlier date are forgotten."""
    by = starts_at - found.starts_at
    changed = replace(
        found,
        sequence=found.sequence + 1,
        state=state,
        starts_at=starts_at,
        ends_at=found.ends_at + by,
        warns_at=found.warns_at + by,
    )
    row: dict[str, Any] = {each: getattr(changed, each) for each in Discussion.__slots__}
    queries = [Query(CHANGE, row | {"answers_due_at": _answers_due_at(changed, asked_again_at)}, all_rows)]
    if asked_again_at is not None:
        queries.append(Query(FORGET_REPLIES, {"discussion": found.discussion}, all_rows))
    await uow.fetch_each(queries)
    return changed


def _answers_due_at(moved: Discussion, asked_at: datetime | None) -> datetime | None:
    """None if the convener hears who is lacking before that, because the discussion begins."""
    due_at = None if asked_at is None else asked_at + moved.answers_within
    return due_at if due_at is not None and due_at < moved.warns_at else None


MARK_HELD = "UPDATE discussions SET state = 'held' WHERE discussion = %(discussion)s"


async def mark_held(uow: UnitOfWork, found: Discussion) -> Discussion:
    """SEQUENCE stays: nothing changes in a calendar."""
    await uow.fetch(Query(MARK_HELD, {"discussion": found.discussion}, all_rows))
    return replace(found, state=HELD)
