"""Makes one telling of a duty, or its withdrawal, into a message. A duty is told as it stands at that moment."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.protocol.policy.case import OPEN_STATES, DutyOfCase, Episode, Telling, newest_sighting
from services.protocol.policy.draft import Draft, newly_placed
from services.protocol.policy.duties.presuppositions import asked_before, facts_of
from services.protocol.policy.rule_language.vocabulary import Trigger
from services.safeguarding import identifiers
from services.safeguarding.duty.decisions import DutyState
from services.safeguarding.duty.duties import (
    Because,
    CarerAlert,
    Duty,
    MassReport,
    PoliceNotify,
    ProfessionalNotify,
    StrategyInvite,
)
from services.safeguarding.duty.facts import PRESUPPOSED, choose_sentence
from services.safeguarding.identifiers import AuthorityId, ForceId
from services.safeguarding.roles import CARERS, Channel, Deed, Role, Wording

MISSING_NOTICE = Wording("missing-notice")
REPEATS_WITHIN = timedelta(days=90)
ABOUT_THOSE_BEFORE = frozenset(map(Wording, ("not-acknowledged", "said-to-be-taken", "nobody-in-role")))
"""These say what has become of another message."""


def tell(draft: Draft, duty: DutyOfCase, telling: Telling, because: Because) -> None:
    draft.told.append(_make(draft, duty, telling, because, "tell"))


def call_back(draft: Draft, duty: DutyOfCase, tellings: Sequence[Telling], because: Because) -> DutyOfCase:
    """Withdraws these tellings. None of them is known to have been taken."""
    for telling in tellings:
        draft.told.append(_make(draft, duty, telling, because, "withdraw"))
    steps = {telling.step for telling in tellings}
    withdrawn = {"state": "withdrawn", "changed_at": draft.now}
    marked = [each.model_copy(update=withdrawn) if each.step in steps else each for each in duty.tellings]
    return duty.model_copy(update={"tellings": tuple(marked)})


def message_of(duty: UUID, step: int, act: str) -> UUID:
    """The id of the message that tells or withdraws this step. A step is told once, and withdrawn at most once."""
    return identifiers.derived(act, str(duty), str(step))


def kind_of_duty(role: Role, channel: Channel, deed: Deed | None = None) -> type[Duty]:
    """The kind of message, and so the service that carries the duty out. Only `professionals` has forms for deeds."""
    if channel == Channel.INVITATION:
        return StrategyInvite
    if role == Role.POLICE_CONTROL_ROOM:
        return PoliceNotify
    return CarerAlert if role in CARERS and deed is None else ProfessionalNotify


def authority_of(draft: Draft, duty: DutyOfCase) -> AuthorityId:
    """Whose people are asked now."""
    episode = draft.episode_of(duty.episode)
    return duty.authority or (draft.facts.authority if episode is None else episode.authority)


def _make(draft: Draft, duty: DutyOfCase, telling: Telling, because: Because, act: Literal["tell", "withdraw"]) -> Duty:
    rule = draft.rule_of(duty)
    episode = draft.episode_of(duty.episode)
    refers_to = duty.refers_to if telling.role == duty.role or telling.channel == Channel.INVITATION else None
    if because == Because.AGAIN and telling.role == duty.role:
        refers_to = identifiers.telling(duty.duty, 0)
    kind = kind_of_duty(telling.role, telling.channel, rule.deed)
    holds = facts_of(draft, duty, telling)
    wording = Wording(choose_sentence(telling.wording, holds, PRESUPPOSED))
    when: dict[str, object] = {"meets": rule.meets} if kind is StrategyInvite else {}
    if kind is PoliceNotify and episode is not None:
        since = None if episode.unreported else episode.opened_at
        when = {"missing_since": since, "returned_at": episode.returned_at, "plan_owner": duty.cause.owner}
        when |= {"same_child": _same_child(draft, duty)}
        when |= {} if duty.cause.owner is None else {"due_on": duty.cause.day}
    return kind(
        duty=duty.duty,
        step=telling.step,
        revision=duty.revision + 1,
        act=act,
        because=because,
        authority=authority_of(draft, duty),
        force=_force(draft, duty, telling),
        placement=draft.facts.placement if episode is None else episode.placement,
        candidates=() if episode is None else episode.candidates,
        episode=duty.episode,
        role=telling.role,
        person=telling.person,
        channel=telling.channel,
        wording=wording,
        unanswered=duty.wording if wording in ABOUT_THOSE_BEFORE and wording != duty.wording else None,
        asked=asked_before(duty, telling),
        holds=tuple(sorted(holds)),
        deed=rule.deed,
        urgent=rule.urgent,
        rule=rule.id,
        protocol=rule.protocol,
        cites=rule.because.cite,
        created_at=duty.created_at,
        refers_to=refers_to,
        raised_risk=_raised_risk(draft),
        mass=_mass(draft, duty, episode) if kind is ProfessionalNotify else None,
        words=duty.cause.words,
        last_seen_at=_last_seen(draft, episode, duty),
        **when,
    )


def is_missing_notice(duty: DutyOfCase, episode: UUID) -> bool:
    return (duty.episode, duty.role, duty.wording) == (episode, Role.POLICE_CONTROL_ROOM, MISSING_NOTICE)


def notices_of_force(draft: Draft, episode: UUID, force: ForceId | None) -> list[UUID]:
    """The first notice by which the force knows the absence, then those of other reports that became part of it."""
    return [
        identifiers.telling(each.duty, 0)
        for each in draft.duties.values()
        if is_missing_notice(each, episode) and each.force == force and each.refers_to is None
    ]


def wants_officer(draft: Draft, duty: DutyOfCase) -> bool:
    """Whether police are asked by it who has the child, and know of the child once they have given a reference."""
    return duty.role == Role.POLICE_CONTROL_ROOM and Trigger.POLICE_REFERENCE_GIVEN in draft.rule_of(duty).until


def is_ended_by_reference(draft: Draft, duty: DutyOfCase) -> bool:
    """And no officer has answered it since."""
    is_over = (duty.state, duty.ended_because) == (DutyState.CANCELLED, Because.ANSWERED)
    return is_over and wants_officer(draft, duty)


def says_who_it_is(draft: Draft, duty: DutyOfCase) -> bool:
    return duty.role == Role.POLICE_CONTROL_ROOM and Trigger.CHILD_IDENTIFIED in draft.rule_of(duty).on


def _same_child(draft: Draft, duty: DutyOfCase) -> UUID | None:
    """Another notice of the force, where it is told which child it is, and so that two notices are one child."""
    if duty.episode is None or not says_who_it_is(draft, duty):
        return None
    notices = notices_of_force(draft, duty.episode, duty.force)
    return notices[1] if len(notices) > 1 and duty.refers_to == notices[0] else None


def _mass(draft: Draft, duty: DutyOfCase, episode: Episode | None) -> MassReport | None:
    known, reporter = draft.protocol_for(episode).mass_report, duty.cause.reporter
    if known is None or reporter is None:
        return None
    return MassReport(reporter=reporter, children=known.children, within=known.within)


def _last_seen(draft: Draft, episode: Episode | None, duty: DutyOfCase) -> datetime | None:
    """While the child is searched for, every telling has the newest sighting of all reports."""
    if episode is None or episode.state not in OPEN_STATES:
        return duty.cause.last_seen_at
    until = max(draft.now, draft.happened.time)
    return newest_sighting(episode.last_seen_at, duty.cause.last_seen_at, until=until)


def _force(draft: Draft, duty: DutyOfCase, telling: Telling) -> ForceId | None:
    """A duty of a control room stays with its force, also after the episode has moved on to another."""
    if telling.role == Role.POLICE_CONTROL_ROOM and duty.role == Role.POLICE_CONTROL_ROOM:
        return duty.force
    episode = draft.episode_of(duty.episode)
    return draft.facts.force if episode is None else episode.force


def _raised_risk(draft: Draft) -> bool:
    return (
        bool(newly_placed(draft.record, draft.facts, draft.now)) or draft.watched_since is not None or _repeated(draft)
    )


def _repeated(draft: Draft) -> bool:
    since = draft.now - REPEATS_WITHIN
    return sum(opened > since for opened in draft.record.opened) > 1
