"""Says which facts hold of a telling as it is made, so that its sentence is one that is so."""

from collections.abc import Iterator
from datetime import datetime

from services.protocol.policy.case import OPEN_STATES, DutyOfCase, Episode, Telling
from services.protocol.policy.draft import Draft
from services.safeguarding.duty.decisions import REACHED
from services.safeguarding.duty.facts import Fact
from services.safeguarding.roles import ON_DUTY, Channel, Role, Wording
from services.safeguarding.working_time import in_working_hours

NOTES = frozenset({Wording("location-enquiry"), Wording("luring-suspected")})
"""Police hear of these although no absence is reported by them."""
SEATS = {"police": Fact.POLICE_COME, "social-care": Fact.SOCIAL_CARE_COMES, "health": Fact.HEALTH_COMES}


def facts_of(draft: Draft, duty: DutyOfCase, telling: Telling) -> frozenset[Fact]:
    """As the case stands once the telling is made."""
    episode = draft.episode_of(duty.episode)
    earlier = [each for each in duty.tellings if each.step < telling.step]
    return frozenset(
        {*_of_episode(episode), *_of_police(duty), *_of_those_before(earlier), *_of_duty(draft, duty, telling)}
    )


def asked_before(duty: DutyOfCase, telling: Telling) -> Role | None:
    """In whose place this telling is made: the role that was asked last, or that nobody holds. None: in nobody's."""
    others = (each.role for each in reversed(duty.tellings) if each.step < telling.step and each.role != telling.role)
    return next(others, None)


def _of_episode(episode: Episode | None) -> Iterator[Fact]:
    held = episode is not None and episode.reference_known
    yield Fact.REFERENCE_HELD if held else Fact.NO_REFERENCE
    if episode is None or episode.grade is None:
        yield Fact.NOT_GRADED
    if episode is not None and episode.state in OPEN_STATES:
        yield Fact.REPORT_OPEN
        yield Fact.CHILD_NOT_BACK


def _of_police(duty: DutyOfCase) -> Iterator[Fact]:
    if any(each.role is Role.POLICE_CONTROL_ROOM and each.state in REACHED for each in duty.tellings):
        yield Fact.POLICE_ACCEPTED
    if duty.wording not in NOTES:
        yield Fact.OF_A_REPORT


def _of_those_before(earlier: list[Telling]) -> Iterator[Fact]:
    """Nobody was asked by a telling that failed and found no person. The first telling of a duty has none before it:
    what it says of others, its event says.
    """
    asked = [each for each in earlier if each.state != "failed" or each.person is not None]
    if asked or not earlier:
        yield Fact.SOMEBODY_WAS_ASKED
    if any(each.channel is Channel.INVITATION for each in asked) or not earlier:
        yield Fact.AGENCY_INVITED
    said = any(each.claimed or each.state == "acknowledged" for each in earlier)
    yield Fact.SOMEBODY_SAYS_THEY_HAVE_IT if said else Fact.NOBODY_SAYS_THEY_HAVE_IT


def _of_duty(draft: Draft, duty: DutyOfCase, telling: Telling) -> Iterator[Fact]:
    if draft.rule_of(duty).deed is not None:
        yield Fact.DEED_OPEN
    if telling.role in ON_DUTY:
        yield Fact.READER_IS_DUTY
    if duty.wording is Wording("strategy-quorum-reached"):
        seats = duty.cause.matter.split() or _quorum_at(duty.created_at)
        yield from (fact for seat, fact in SEATS.items() if seat in seats)
    if duty.wording is not Wording("strategy-without-quorum") or not duty.cause.matter:
        yield Fact.EACH_IS_FREE


def _quorum_at(at: datetime) -> list[str]:
    """Where the release before says that there is one, and not whose seats are taken."""
    return [each for each in SEATS if each != "health" or in_working_hours(at)]
