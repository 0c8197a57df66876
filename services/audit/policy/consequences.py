"""Says which answers each message expects and which it gives, so that the reconciler can find missing ones.

Both are stored with its entry. A message that holds several facts expects and gives what each of them would.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.safeguarding.child_events import events
from services.safeguarding.duty import decisions
from services.safeguarding.duty.decisions import DeliveryAttempted
from services.safeguarding.duty.duties import Duty, DutyOutcomes, Outcome, parts_of
from services.safeguarding.message import Message

ALWAYS_DECIDED = (
    events.ChildReportedMissing,
    events.ChildReturned,
    events.ChildLocated,
    events.ReportRetracted,
    events.ChildReturnClaimed,
    events.MissingRetractionClaimed,
    events.ChildLocationClaimed,
    events.PoliceReferenceTexted,
    events.ChildInformationReceived,
    events.ChildLuringSuspected,
    events.LocationEnquiryReceived,
    events.ChildProvisional,
    events.TextNeedsHuman,
    events.ContactUnreachable,
    events.DutyStepDue,
    events.RuleDue,
)
"""Events that every protocol decides on, if only that they are too late. For the others there may be no rule."""


class Gap(StrEnum):
    """Something that should have happened and did not. The value is the metric's label."""

    EVENT_UNDECIDED = "event-undecided"
    OUTCOME_NOT_TAKEN = "outcome-not-taken"
    DUTY_NEVER_TOLD = "duty-never-told"
    TELLING_NOT_TRIED = "telling-not-tried"
    STEP_NOT_TAKEN = "step-not-taken"


SENTENCES = {
    Gap.EVENT_UNDECIDED: "something happened to a child, and the protocol has not decided upon it",
    Gap.OUTCOME_NOT_TAKEN: "somebody was reached or has answered, and the protocol has not taken it",
    Gap.DUTY_NEVER_TOLD: "the protocol decided that somebody is told, and no telling was given out",
    Gap.TELLING_NOT_TRIED: "a telling was given out, and nobody has tried to deliver it",
    Gap.STEP_NOT_TAKEN: "the time for a duty's next step is over, and the step was not taken",
}
OUTCOMES = frozenset({DutyOutcomes.kind, *(each.kind for each in Outcome.__subclasses__())})
"""Kinds of messages that say what came of a duty."""


@dataclass(frozen=True, slots=True)
class Thread:
    """Each answer once, in the order of the message's facts."""

    expects: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()


def thread_of(content: Message, message_id: str) -> Thread:
    """An answer may be recorded before the message that it answers, since topics are consumed in parallel."""
    expects = _each_once(each for part in parts_of(content) for each in _expected(part, message_id))
    if isinstance(content, decisions.MessageDecided):
        return Thread(expects, tuple(f"decided {each}" for each in (content.about_id, *content.with_ids)))
    return Thread(expects, _each_once(each for part in parts_of(content) for each in _answered(part)))


def _expected(part: Message, message_id: str) -> tuple[str, ...]:
    match part:
        case decisions.ProtocolDecided(verdict=decisions.Verdict.TOLD, duty=UUID()):
            return (f"told {part.duty}",)
        case Duty(act="tell"):
            return (f"tried {part.duty} {part.step}",)
        case Outcome():
            return (f"decided {message_id}",)
        case _:
            return (f"decided {message_id}",) if isinstance(part, ALWAYS_DECIDED) else ()


def _answered(part: Message) -> tuple[str, ...]:
    match part:
        case decisions.ProtocolDecided():
            return (f"decided {part.about_id}",)
        case Duty(act="tell"):
            return (f"told {part.duty}",)
        case Duty() | Outcome() | DeliveryAttempted(duty=UUID()):
            return (f"tried {part.duty} {part.step}",)
        case decisions.MessageDeadLettered(original_id=str()):
            return (f"decided {part.original_id}",)
        case _:
            return ()


def _each_once(said: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(said))


def gap_of(expects: str, kind: str) -> Gap:
    """The gap that a missing answer means to a message of this kind."""
    what = expects.split(" ", maxsplit=1)[0]
    if what == "told":
        return Gap.DUTY_NEVER_TOLD
    if what == "tried":
        return Gap.TELLING_NOT_TRIED
    return Gap.OUTCOME_NOT_TAKEN if kind in OUTCOMES else Gap.EVENT_UNDECIDED


def duty_rows(content: Message) -> list[dict[str, Any]]:
    """For the reconciler: whether each duty goes on, and the time of its next step while it does."""
    return [
        {
            "duty": part.duty,
            "revision": part.revision,
            "goes_on": part.goes_on,
            "next_step_at": part.next_step_at if part.goes_on else None,
        }
        for part in parts_of(content)
        if isinstance(part, decisions.DutyChanged)
    ]
