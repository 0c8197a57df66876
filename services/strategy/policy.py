"""When a discussion is, who must be there, and what a reply means. Pure: facts and times are passed in."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, TypeAlias

from services.safeguarding.roles import Role

NOTICE = timedelta(minutes=60)
QUARTER = timedelta(minutes=15)
LASTS = timedelta(minutes=45)
WARN_BEFORE = timedelta(minutes=15)

Seat: TypeAlias = Literal["police", "health", "social-care"]
QUORUM: tuple[Seat, ...] = ("police", "health", "social-care")
SEATS: dict[Role, Seat] = {
    Role.POLICE_MISSING_COORDINATOR: "police",
    Role.CHILD_HEALTH_PRACTITIONER: "health",
    Role.CHILD_SOCIAL_WORKER: "social-care",
    Role.CHILD_TEAM_MANAGER: "social-care",
    Role.DUTY_WORKER: "social-care",
    Role.DUTY_EMERGENCY_TEAM: "social-care",
    Role.DUTY_SENIOR_MANAGER: "social-care",
}


class Reply(StrEnum):
    """`counter` asks for another time: whoever sent it has not said that they come."""

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


def first_slot(now: datetime) -> datetime:
    """As soon as possible (S36), by day and by night: the next quarter of an hour that leaves an hour's notice, so that the first
    discussion, by telephone, begins within an hour and a quarter of the report.
    """
    earliest = now + NOTICE
    past = timedelta(minutes=earliest.minute % 15, seconds=earliest.second, microseconds=earliest.microsecond)
    return earliest if not past else earliest - past + QUARTER


def lacking(attendance: Iterable[Attendance]) -> tuple[Seat, ...]:
    """The seats of the quorum for which nobody has said that they come for certain."""
    taken = {SEATS.get(each.role) for each in attendance if each.reply is Reply.ACCEPTED}
    return tuple(seat for seat in QUORUM if seat not in taken)


def counts(reply: Reply, *, sequence: int, current: int) -> bool:
    """A reply to an earlier date says nothing of the present one. One to a later sequence than ours was made up."""
    return reply is not Reply.WAITING and sequence == current
