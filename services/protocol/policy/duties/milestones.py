"""Finds what a decision brought about for the first time: police have the report, a person has it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.protocol.policy.case import Case, DutyOfCase
from services.safeguarding.duty.decisions import REACHED
from services.safeguarding.roles import Channel, Role, Wording


class Milestone(StrEnum):
    POLICE_ACCEPTED = "police-accepted"
    """From the report's own time until a police system took the notice."""
    FIRST_ACKNOWLEDGED = "first-acknowledged"
    """From the report's own time until the first person, of any agency, said that they have it."""
    TAKEN = "taken"
    """From a telling, by any channel, until it was taken."""
    ANSWERED = "answered"
    """From a duty's creation to its acknowledgement."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """`seconds` are of story time, and never negative, though an agency's clock may be ahead of ours."""

    milestone: Milestone
    seconds: float
    authority: str
    exercise: bool
    channel: Channel
    rule: str


def find_milestones(before: Case, after: Case, at: datetime, authority: str) -> Iterator[Measurement]:
    """The milestones of `after` that `before` had not, reached at `at`. `authority`: of duties without an episode."""
    for duty in after.duties.values():
        old = before.duties.get(duty.duty)
        if old is duty:
            continue
        whose = after.episodes[duty.episode].authority if duty.episode in after.episodes else authority
        for milestone, since, channel in _of_duty(before, after, old, duty):
            seconds = max(0.0, (at - since).total_seconds())
            yield Measurement(milestone, seconds, whose, duty.cause.exercise, channel, duty.rule)


def _of_duty(
    before: Case, after: Case, old: DutyOfCase | None, duty: DutyOfCase
) -> Iterator[tuple[Milestone, datetime, Channel]]:
    for telling in duty.tellings:
        was = None if old is None else old.telling(telling.step)
        if telling.state in REACHED and (was is None or was.state not in REACHED):
            yield Milestone.TAKEN, telling.told_at, telling.channel
    if _acknowledged(duty) and not _acknowledged(old):
        yield Milestone.ANSWERED, duty.created_at, duty.channel
    episode = None if duty.episode is None else after.episodes.get(duty.episode)
    if episode is None:
        return
    if _police_have_it(duty) and not _police_have_it(old):
        yield Milestone.POLICE_ACCEPTED, episode.opened_at, duty.channel
    earlier = (each for each in before.duties.values() if each.episode == duty.episode)
    if _acknowledged(duty) and not any(map(_acknowledged, earlier)):
        yield Milestone.FIRST_ACKNOWLEDGED, episode.opened_at, duty.channel


def _police_have_it(duty: DutyOfCase | None) -> bool:
    return (
        duty is not None
        and duty.role is Role.POLICE_CONTROL_ROOM
        and duty.wording is Wording("missing-notice")
        and any(each.role is Role.POLICE_CONTROL_ROOM and each.state in REACHED for each in duty.tellings)
    )


def _acknowledged(duty: DutyOfCase | None) -> bool:
    return duty is not None and any(each.state == "acknowledged" for each in duty.tellings)
