"""Finds the recipients of a rule. Roles stay roles: their holders are looked up when a message is sent."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from services.protocol.policy.case import OPEN_STATES, Cause, DutyOfCase, Episode, Telling
from services.protocol.policy.draft import Draft
from services.protocol.policy.duties.tellings import MISSING_NOTICE, is_missing_notice, notices_of_force, says_who_it_is
from services.protocol.policy.rule_language.grammar import Rule
from services.protocol.policy.rule_language.vocabulary import Trigger
from services.safeguarding import identifiers
from services.safeguarding.child_events.care_events import ChildTransferred, DutyHandOverAsked
from services.safeguarding.duty.decisions import REACHED, EpisodeState
from services.safeguarding.duty.duties import Because
from services.safeguarding.identifiers import AuthorityId, ForceId, PersonId
from services.safeguarding.roles import CARERS, ON_DUTY, ROLES, Channel, Role, Wording

CONTROL_ROOM = Role.POLICE_CONTROL_ROOM
POLICE_TOLD = Wording("police-told")
HELD_BY_NIGHT = Wording("strategy-held-by-night")
"""One mail about a meeting, to somebody who is told nothing else of the absence."""
MEANT = {
    None: {"police", "duty", "workers", "desks"},
    "people": {"duty", "workers", "desks"},
    "team": {"duty", "workers"},
    "police": {"police"},
    "duty": {"duty"},
    "workers": {"workers"},
    "others": {"workers", "desks"},
}
"""The groups that a rule's `among` means."""
Line: TypeAlias = tuple[Role, Channel, UUID | None]


@dataclass(frozen=True, slots=True)
class Recipient:
    role: Role
    channel: Channel
    person: PersonId | None = None
    refers_to: UUID | None = None
    force: ForceId | None = None
    """Which control room, where one is told."""
    authority: AuthorityId | None = None
    """Set where it is not the child's own."""


def recipients(draft: Draft, rule: Rule, episode: Episode | None, cause: Cause) -> list[Recipient]:
    if rule.by is None:  # `everyone-told`: each is told by the channel of before
        told = [] if episode is None else everyone_told(draft, episode)
        told = [] if episode is None else _leave_out_joined(draft, rule, episode, told)
        return [each for each in told if is_among(rule, each)]
    if rule.tell == Role.PLAN_OWNER:
        return [] if cause.owner is None else [Recipient(cause.owner, rule.by)]
    if rule.tell == Role.DIRECTORY_CONTACT:
        return [] if cause.person is None else [Recipient(rule.tell, rule.by, cause.person)]
    if rule.tell == Role.CARERS_ALL and (episode or cause.person) is not None:
        return _other_carers(draft, rule.by, episode, cause)
    if rule.tell == Role.CARER_REPORTING:
        return [Recipient(rule.tell, rule.by, person) for person in _choose_reporters(draft, rule, episode, cause)]
    return _holders(draft, rule, rule.by, episode)


def _choose_reporters(draft: Draft, rule: Rule, episode: Episode | None, cause: Cause) -> list[PersonId]:
    """Each carer hears once in an absence that police have the alert. What comes again is for all who have reported."""
    if rule.among is None:
        people = _reporters(episode, cause) if rule.every is None else _all_reporters(episode, cause)
    else:
        said_so = rule.among == "speaker"
        people = [each for each in _all_reporters(episode, cause) if (each == cause.person) == said_so]
    if rule.message != POLICE_TOLD or episode is None:
        return people
    about = episode.episode, POLICE_TOLD
    told = {each.person for each in draft.duties.values() if (each.episode, each.wording) == about}
    return [each for each in people if each not in told]


def _holders(draft: Draft, rule: Rule, by: Channel, episode: Episode | None) -> list[Recipient]:
    event, former = draft.happened.content, draft.record.former_authority
    if isinstance(event, DutyHandOverAsked):
        known = event.duty in draft.duties
        return [Recipient(rule.tell, by, event.to, identifiers.telling(event.duty, 0))] if known else []
    if rule.tell == Role.HOST_DUTY_DESK and isinstance(event, ChildTransferred) and _has_host_heard(draft, episode):
        return []
    if rule.whose == "former":
        return [] if former is None else [Recipient(rule.tell, by, authority=former)]
    if rule.whose == "giving" and isinstance(event, ChildTransferred):
        return [Recipient(rule.tell, by, authority=former)]
    if rule.tell != CONTROL_ROOM:
        return [Recipient(rule.tell, by)]
    known = rule.message == MISSING_NOTICE and episode is not None and _stays_with_force(draft, episode)
    return [] if known else [_control_room(draft, by, episode)]


def _stays_with_force(draft: Draft, episode: Episode) -> bool:
    """Whether the child has just moved, and the force that has a notice of it has the new placement too."""
    before = draft.before(episode)
    stays = before is not None and before.force == episode.force and _has_moved(draft, episode)
    return stays and police_notice(draft, episode, episode.force) is not None


def _has_moved(draft: Draft, episode: Episode) -> bool:
    before = draft.before(episode)
    return before is not None and before.placement != episode.placement


def _has_host_heard(draft: Draft, episode: Episode | None) -> bool:
    """Whether the authority of the area was told of this absence already: a transfer alone is no news to it. Where the
    child moves with it, the area may be another.
    """
    follows = None if episode is None else draft.episode_of(episode.episode)
    if follows is not None and _has_moved(draft, follows):
        return False
    about = None if episode is None else episode.episode, Role.HOST_DUTY_DESK, MISSING_NOTICE
    return any((each.episode, each.role, each.wording) == about for each in draft.duties.values())


def _control_room(draft: Draft, by: Channel, episode: Episode | None) -> Recipient:
    force = draft.facts.force if episode is None else episode.force
    refers_to = None if episode is None else police_notice(draft, episode, force)
    return Recipient(CONTROL_ROOM, by, refers_to=refers_to, force=force)


def is_among(rule: Rule, recipient: Recipient) -> bool:
    return ROLES[recipient.role].of in MEANT[rule.among]


def _reporters(episode: Episode | None, cause: Cause) -> list[PersonId]:
    """For a report its own carer; for anything else each carer who reported in this episode, and the texting one."""
    reports = () if episode is None else episode.reports
    if cause.person is not None and any(report.event == cause.id for report in reports):
        return [cause.person]
    return _all_reporters(episode, cause)


def _all_reporters(episode: Episode | None, cause: Cause) -> list[PersonId]:
    reports = () if episode is None else episode.reports
    people = [*(report.person for report in reports), *([] if cause.person is None else [cause.person])]
    return list(dict.fromkeys(people))


def _other_carers(draft: Draft, by: Channel, episode: Episode | None, cause: Cause) -> list[Recipient]:
    """The child's carers as they were when told that it is missing, except those who have reported or text now, who
    have rules of their own. Where nobody knows the carers: everyone whom the directory finds, unless one has reported.
    Of a move, the carers of the new placement who have not been told.
    """
    name = None if episode is None else episode.episode
    told = [each.person for each in draft.duties.values() if name is not None and each.tells_carers_missing(name)]
    if episode is not None and _has_moved(draft, episode):
        return _new_carers(draft, by, episode, told)
    people = list(dict.fromkeys(filter(None, told or draft.facts.carers or ())))
    if not people:
        reported = episode is not None and episode.reports and not told
        return [] if reported else [Recipient(Role.CARERS_ALL, by)]
    themselves = _all_reporters(episode, cause)
    named = [Recipient(Role.CARERS_ALL, by, person) for person in people if person not in themselves]
    return [*named, Recipient(Role.CARERS_ALL, by)] if None in told else named


def _new_carers(draft: Draft, by: Channel, episode: Episode, told: Collection[PersonId | None]) -> list[Recipient]:
    known = {*told, *(report.person for report in episode.reports)}
    if draft.facts.carers:
        return [Recipient(Role.CARERS_ALL, by, person) for person in draft.facts.carers if person not in known]
    just_told = any(
        each.person is None and each.created_at == draft.now and each.tells_carers_missing(episode.episode)
        for each in draft.duties.values()
    )
    return [] if just_told else [Recipient(Role.CARERS_ALL, by)]


def everyone_told(draft: Draft, episode: Episode) -> list[Recipient]:
    """Everyone whom a telling of this episode has reached or may still reach. Once the child is back, each force that
    was to be told as well, reached or not. Carers are left out: they have rules of their own. Whoever hears by
    text does not hear the same by mail, because of a mail about a gap or a meeting.
    """
    found: dict[tuple[Line, PersonId | None], Recipient] = {}
    tellings = [
        (duty, telling)
        for duty, telling in _tellings(draft, episode)
        if telling.role not in CARERS
        and duty.authority is None
        and telling.wording != HELD_BY_NIGHT
        and not (telling.role == CONTROL_ROOM and duty.force is None and episode.force is not None)
    ]
    for duty, telling in tellings:
        if telling.state in REACHED:
            line = _line(draft, episode, duty, telling)
            found.setdefault((line, telling.person), recipient_of(draft, episode, duty, telling))
    reached = {line for line, _ in found}
    for duty, telling in tellings:
        line = _line(draft, episode, duty, telling)
        if line not in reached and (telling.state == "told" or _owed(episode, duty, telling)):
            found.setdefault((line, telling.person), recipient_of(draft, episode, duty, telling))
    texted = {(each.role, each.person) for each in found.values() if each.channel == Channel.TEXT}
    return [each for each in found.values() if each.channel != Channel.EMAIL or (each.role, each.person) not in texted]


def _leave_out_joined(draft: Draft, rule: Rule, episode: Episode, found: list[Recipient]) -> list[Recipient]:
    """Two reports of one absence may have brought a force two notices. That they are one child it hears once, with the
    first; what comes after it has taken that goes by the first alone. Of the end both notices hear.
    """
    if episode.state not in OPEN_STATES:
        return found
    referred = {each.refers_to for each in found if each.role == CONTROL_ROOM}
    is_joining = draft.joined is not None and Trigger.CHILD_IDENTIFIED in rule.on
    left_out = set[UUID]()
    for force in {each.force for each in found if each.role == CONTROL_ROOM}:
        notices = notices_of_force(draft, episode.episode, force)
        first = next(iter(notices), None)
        is_told = any(
            each.accepted and each.force == force and each.refers_to == first and says_who_it_is(draft, each)
            for each in draft.duties.values()
            if each.episode == episode.episode
        )
        if first in referred and (is_joining or is_told):
            left_out.update(notices[1:])
    return [each for each in found if each.refers_to not in left_out]


def _owed(episode: Episode, duty: DutyOfCase, telling: Telling) -> bool:
    """The child was back before the force had its missing notice. The force owes the child a check all the same."""
    of_force = duty.role == telling.role == CONTROL_ROOM and duty.wording == MISSING_NOTICE
    return of_force and episode.state == EpisodeState.RETURNED and duty.ended_because != Because.CLOSED


def _line(draft: Draft, episode: Episode, duty: DutyOfCase, telling: Telling) -> Line:
    """Tells recipients apart. A control room counts once for each notice: an absence reported twice may have two."""
    of_force = telling.role == CONTROL_ROOM
    return telling.role, _later_channel(telling), _known_by(draft, episode, duty) if of_force else None


def recipient_of(draft: Draft, episode: Episode, duty: DutyOfCase, telling: Telling) -> Recipient:
    refers_to = identifiers.telling(duty.duty, telling.step)
    if telling.role != CONTROL_ROOM:
        return Recipient(telling.role, _later_channel(telling), telling.person, refers_to)
    refers_to = _known_by(draft, episode, duty) or refers_to
    return Recipient(telling.role, _later_channel(telling), telling.person, refers_to, duty.force)


def _known_by(draft: Draft, episode: Episode, duty: DutyOfCase) -> UUID | None:
    """The notice by which the force knows the absence that this duty is about."""
    if duty.wording == MISSING_NOTICE:
        return identifiers.telling(duty.duty, 0)
    return duty.refers_to or police_notice(draft, episode, duty.force)


def _later_channel(telling: Telling) -> Channel:
    """Those who were invited to a discussion hear later news by mail: an invitation would change their calendar. Those
    on duty hear it by text, once.
    """
    by = Channel.TEXT if telling.role in ON_DUTY else Channel.EMAIL
    return by if telling.channel == Channel.INVITATION else telling.channel


def police_notice(draft: Draft, episode: Episode, force: ForceId | None) -> UUID | None:
    """The first notice by which the force knows the episode."""
    for duty in draft.duties.values():
        if is_missing_notice(duty, episode.episode) and duty.force == force:
            return identifiers.telling(duty.duty, 0)
    return None


def police_accepted(draft: Draft, episode: Episode | None) -> bool:
    return episode is not None and any(
        duty.accepted for duty in draft.duties.values() if is_missing_notice(duty, episode.episode)
    )


def _tellings(draft: Draft, episode: Episode) -> Iterator[tuple[DutyOfCase, Telling]]:
    for duty in draft.duties.values():
        if duty.episode == episode.episode:
            for telling in duty.tellings:
                yield duty, telling
