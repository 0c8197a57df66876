"""Decides when a discussion is, who must be there, and what a reply means. Pure: facts and times are passed in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain, count

from services.safeguarding.meetings import AtOnce, InFull, Meets
from services.safeguarding.roles import ROLES, Role, Seat
from services.safeguarding.working_time import in_working_hours, working_day_after

QUORUM: tuple[Seat, ...] = ("police", "health", "social-care")
QUORUM_BY_NIGHT: tuple[Seat, ...] = ("police", "social-care")
"""Only those on call are awake."""
SEATS = {role: each.seat for role, each in ROLES.items() if each.seat is not None}


class Reply(StrEnum):
    """`counter` asks for another time: its sender has not said that they come."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    TENTATIVE = "tentative"
    DECLINED = "declined"
    COUNTER = "counter"


ANSWERS = frozenset({Reply.ACCEPTED, Reply.TENTATIVE})
"""A person has the invitation and means to come."""


@dataclass(frozen=True, slots=True)
class Attendance:
    role: Role
    reply: Reply
    person: str | None = field(default=None, kw_only=True)
    engaged: bool = field(default=False, kw_only=True)
    """They had accepted another discussion at the same time before this one, and can come to one."""


def choose_start(meets: Meets, now: datetime, *, urgent_at: datetime | None) -> datetime:
    """`now` is story time. `urgent_at`: the time of the urgent discussion before this meeting, if there was one."""
    return _at_once(meets, now) if isinstance(meets, AtOnce) else _in_full(meets, now, urgent_at or now)


def _at_once(meets: AtOnce, now: datetime) -> datetime:
    """The last quarter of an hour in the rule's time; in that for the night, where it would begin after hours."""
    by_day = _quarter_before(now + meets.day)
    is_day = in_working_hours(now) and in_working_hours(by_day)
    return by_day if is_day else _quarter_before(now + meets.night)


def _in_full(meets: InFull, now: datetime, urgent_at: datetime) -> datetime:
    """On the rule's working day, or the next that leaves enough notice. If none does, late rather than never."""
    days = range(meets.workday, meets.latest + 1)
    in_time = (working_day_after(urgent_at, day, meets.at) for day in days)
    late = (working_day_after(now, day, meets.at) for day in count(1))
    return next(slot for slot in chain(in_time, late) if slot >= now + meets.notice)


def _quarter_before(at: datetime) -> datetime:
    return at - timedelta(minutes=at.minute % 15, seconds=at.second, microseconds=at.microsecond)


def is_held_at_night(starts_at: datetime) -> bool:
    """Whether only people on call can be there."""
    return not in_working_hours(starts_at)


def taken_seats(attendees: Iterable[Attendance]) -> tuple[Seat, ...]:
    """Those that somebody has accepted who can come, in the order of the quorum. Nobody takes two."""
    free = [each for each in attendees if each.reply is Reply.ACCEPTED and not each.engaged and each.role in SEATS]
    by_person: dict[str, list[Seat]] = {}
    for at, each in enumerate(free):
        by_person.setdefault(each.person or f"nobody known {at}", []).append(SEATS[each.role])
    taken: list[Seat] = []
    for seats in sorted(by_person.values(), key=lambda seats: len(set(seats))):
        taken += [seat for seat in seats if seat not in taken][:1]
    return tuple(seat for seat in QUORUM if seat in taken)


def doubled_seats(attendees: Sequence[Attendance], starts_at: datetime) -> tuple[Seat, ...]:
    """The seats of the quorum that are lacking because who accepted them cannot come to all that they accepted."""
    engaged = {SEATS.get(each.role) for each in attendees if each.reply is Reply.ACCEPTED and each.engaged}
    return tuple(seat for seat in lacking_seats(attendees, starts_at) if seat in engaged)


def lacking_seats(attendees: Iterable[Attendance], starts_at: datetime) -> tuple[Seat, ...]:
    """The seats of the quorum that nobody is certain to take."""
    taken = taken_seats(attendees)
    quorum = QUORUM_BY_NIGHT if is_held_at_night(starts_at) else QUORUM
    return tuple(seat for seat in quorum if seat not in taken)
