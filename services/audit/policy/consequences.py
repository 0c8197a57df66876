"""Says which answer each message expects and which one it gives, so that the reconciler can find missing answers.

A message expects at most one answer and gives at most one; both are stored with its entry.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.safeguarding.child_events.contact_events import ContactUnreachable
from services.safeguarding.child_events.events import (
    ChildInformationReceived,
    ChildLocated,
    ChildLocationClaimed,
    ChildLuringSuspected,
    ChildProvisional,
    ChildReportedMissing,
    ChildReturnClaimed,
    ChildReturned,
    DutyStepDue,
    LocationEnquiryReceived,
    MissingRetractionClaimed,
    PoliceReferenceTexted,
    ReportRetracted,
    RuleDue,
    TextNeedsHuman,
)
from services.safeguarding.duty.decisions import DutyChanged, MessageDeadLettered, ProtocolDecided, Verdict
from services.safeguarding.duty.duties import Duty
from services.safeguarding.duty.evidence import DeliveryAttempted
from services.safeguarding.duty.outcomes import Outcome
from services.safeguarding.message import Message

ALWAYS_DECIDED = (
    ChildReportedMissing,
    ChildReturned,
    ChildLocated,
    ReportRetracted,
    ChildReturnClaimed,
    MissingRetractionClaimed,
    ChildLocationClaimed,
    PoliceReferenceTexted,
    ChildInformationReceived,
    ChildLuringSuspected,
    LocationEnquiryReceived,
    ChildProvisional,
    TextNeedsHuman,
    ContactUnreachable,
    DutyStepDue,
    RuleDue,
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


@dataclass(frozen=True, slots=True)
class Thread:
    expects: str | None = None
    answers: str | None = None


def thread_of(content: Message, message_id: str) -> Thread:
    """An answer may be recorded before the message that it answers, since topics are consumed in parallel."""
    match content:
        case Outcome():
            thread = Thread(f"decided {message_id}", f"tried {content.duty} {content.step}")
        case ProtocolDecided():
            told = content.verdict is Verdict.TOLD and content.duty is not None
            thread = Thread(f"told {content.duty}" if told else None, f"decided {content.about_id}")
        case Duty(act="tell"):
            thread = Thread(f"tried {content.duty} {content.step}", f"told {content.duty}")
        case Duty() | DeliveryAttempted(duty=UUID()):
            thread = Thread(answers=f"tried {content.duty} {content.step}")
        case MessageDeadLettered(original_id=str()):
            thread = Thread(answers=f"decided {content.original_id}")
        case _:
            thread = Thread(expects=f"decided {message_id}" if isinstance(content, ALWAYS_DECIDED) else None)
    return thread


def gap_of(expects: str, kind: str, outcomes: frozenset[str]) -> Gap:
    """The gap that a missing answer means. `outcomes` are the kinds of `Outcome`."""
    what = expects.split(" ", maxsplit=1)[0]
    if what == "told":
        return Gap.DUTY_NEVER_TOLD
    if what == "tried":
        return Gap.TELLING_NOT_TRIED
    return Gap.OUTCOME_NOT_TAKEN if kind in outcomes else Gap.EVENT_UNDECIDED


def duty_columns(content: Message) -> dict[str, Any] | None:
    """The columns for the reconciler: whether the duty goes on, and the time of its next step while it does."""
    if not isinstance(content, DutyChanged):
        return None
    return {
        "duty": content.duty,
        "revision": content.revision,
        "goes_on": content.goes_on,
        "next_step_at": content.next_step_at if content.goes_on else None,
    }
