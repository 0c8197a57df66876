"""Says whether police have a case, from facts alone: the list's row and the case page choose their sentence here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.console.policy.record import RecordedMessage
from services.safeguarding.child_events.events import PoliceReferenceTexted
from services.safeguarding.duty.decisions import DutyChanged, DutyState, EpisodeChanged, EpisodeState, StepRecord
from services.safeguarding.duty.duties import DutyAcknowledged, DutyFailed
from services.safeguarding.duty.evidence import AttemptResult, DeliveryAttempted
from services.safeguarding.identifiers import PersonId, WordsId
from services.safeguarding.message import Message
from services.safeguarding.operators import AccountId, OperatorActed
from services.safeguarding.roles import Role, Wording

MISSING_NOTICE = Wording("missing-notice")
SOUGHT = frozenset({EpisodeState.MISSING, EpisodeState.LOCATED})
TAKEN = frozenset({"accepted", "delivered"})
BEING_SENT_FOR = timedelta(minutes=1)
"""The rules' own limit: what police have not taken by then, they do not have."""
NO_ANSWER = frozenset({AttemptResult.RETRY, AttemptResult.UNKNOWN})


class Stand(StrEnum):
    """The gravest first."""

    NOT_TOLD = "not-told"
    SENDING = "sending"
    PASSED_ON = "passed-on"
    """Police gave somebody a reference, as that person says. They have not taken our notice."""
    SENT = "sent"
    CLAIMED = "claimed"
    """Somebody who holds the mail's link says that they have it. The notice itself was never opened."""
    HAVE = "have"


@dataclass(frozen=True, slots=True)
class PoliceLine:
    """What stands at the top of a case. Whatever is not known is None."""

    stand: Stand
    at: datetime | None = None
    cause: str | None = None
    """Why they do not have it, by its name in the console's words."""
    status: int | None = None
    """What their system or the mail relay answered."""
    how: str | None = None
    words: tuple[WordsId, ...] = ()
    """In which the officer is named, or the reference that somebody passed on."""
    said_by: PersonId | AccountId | None = None
    duty: UUID | None = None
    """Where a call to police can be recorded."""


def stand_of(episode: EpisodeChanged, duties: Iterable[DutyChanged], now: datetime, *, passed_on: bool) -> Stand | None:
    """None once the child is no longer sought. Nobody's "I will ring them" counts: only what police took or said.

    `passed_on`: a carer or a colleague gave a reference of police.
    """
    if episode.state not in SOUGHT:
        return None
    asked = list(notices_of(episode, duties))
    steps = [step for duty in asked for step in steps_of_police(duty)]
    states = {each.state for each in steps}
    if "acknowledged" in states or any(duty.state in {DutyState.ACKNOWLEDGED, DutyState.DONE} for duty in asked):
        return Stand.HAVE
    if states & TAKEN:
        return Stand.SENT
    if passed_on:
        return Stand.PASSED_ON
    begun = min((each.told_at for each in steps), default=episode.opened_at)
    return Stand.SENDING if states <= {"told"} and now - begun < BEING_SENT_FOR else Stand.NOT_TOLD


def police_line(
    episode: EpisodeChanged,
    duties: Iterable[DutyChanged],
    entries: Sequence[RecordedMessage[Message]],
    now: datetime,
) -> PoliceLine | None:
    """The same, with its cause or its speaker. `entries` are the episode's single facts, the newest first."""
    asked = list(notices_of(episode, duties))
    passed_on = [(each.at, each.content) for each in entries if isinstance(each.content, PoliceReferenceTexted)]
    stand = stand_of(episode, asked, now, passed_on=bool(passed_on))
    steps = sorted((step for duty in asked for step in steps_of_police(duty)), key=lambda each: each.told_at)
    open_duty = next((each.duty for each in asked if each.goes_on), None)
    match stand:
        case None:
            return None
        case Stand.HAVE:
            return _answer(asked, entries)
        case Stand.SENT:
            taken = [each.changed_at for each in steps if each.state in TAKEN]
            return PoliceLine(stand, min(taken), duty=open_duty)
        case Stand.PASSED_ON:
            given_at, given = passed_on[0]
            return PoliceLine(stand, given_at, words=given.words, said_by=given.said_by, duty=open_duty)
        case Stand.SENDING:
            return PoliceLine(stand, steps[0].told_at if steps else episode.opened_at, duty=open_duty)
        case _:
            at, cause, status = _cause(episode, asked, steps, entries)
            return PoliceLine(Stand.NOT_TOLD, at, cause, status, duty=open_duty)


def notices_of(episode: EpisodeChanged, duties: Iterable[DutyChanged]) -> Iterable[DutyChanged]:
    """The duties that tell the case's own force that the child is missing: a force before may know nothing new."""
    for duty in duties:
        is_ours = duty.force is None or episode.force is None or duty.force == episode.force
        if duty.wording == MISSING_NOTICE and is_ours and duty.state is not DutyState.CANCELLED and _tells_police(duty):
            yield duty


def steps_of_police(duty: DutyChanged) -> list[StepRecord]:
    return [each for each in duty.steps if each.role is Role.POLICE_CONTROL_ROOM]


def _tells_police(duty: DutyChanged) -> bool:
    return bool(duty.steps) and duty.steps[0].role is Role.POLICE_CONTROL_ROOM


def _answer(asked: Sequence[DutyChanged], entries: Sequence[RecordedMessage[Message]]) -> PoliceLine:
    """The strongest that was said, with the notice open before a bare link; of these the first."""
    of_police = {(duty.duty, step.step) for duty in asked for step in steps_of_police(duty)}
    named = {duty for duty, _ in of_police}
    said = [
        (content.unread, each.at, content, each.id)
        for each in entries
        if isinstance(content := each.content, DutyAcknowledged)
        and ((content.duty, content.step) in of_police or (content.how == "phoned" and content.duty in named))
    ]
    if not said:
        answered = (step.changed_at for duty in asked for step in steps_of_police(duty) if step.state == "acknowledged")
        return PoliceLine(Stand.HAVE, min(answered, default=None))
    unread, at, found, message = min(said, key=lambda each: each[:2])
    acts = (each.content for each in entries)
    account = next((act.account for act in acts if isinstance(act, OperatorActed) and message in act.said), None)
    stand = Stand.CLAIMED if unread else Stand.HAVE
    return PoliceLine(stand, at, how=found.how, words=found.words, said_by=found.by or account)


def _cause(
    episode: EpisodeChanged,
    asked: Sequence[DutyChanged],
    steps: Sequence[StepRecord],
    entries: Sequence[RecordedMessage[Message]],
) -> tuple[datetime | None, str, int | None]:
    """When and why they do not have it, and the status that came back: the newest that is known of it."""
    if not steps or episode.force is None:
        return None, "no-force" if episode.force is None else "not-asked", None
    named = {(duty.duty, step.step) for duty in asked for step in steps_of_police(duty)}
    parts = ((each.at, each.content) for each in entries if isinstance(each.content, DutyFailed | DeliveryAttempted))
    ours = [(at, part) for at, part in parts if (part.duty, part.step) in named]
    status = next((part.status for _, part in ours if isinstance(part, DeliveryAttempted) and part.status), None)
    for at, part in ours:
        if isinstance(part, DutyFailed):
            return at, part.reason, status
        if part.result in NO_ANSWER:
            return at, "no-answer", status
    failed = [each.changed_at for each in steps if each.state == "failed"]
    return (max(failed), "failed", None) if failed else (steps[0].told_at, "not-taken", None)
