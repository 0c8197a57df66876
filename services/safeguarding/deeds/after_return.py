"""The deeds after a child's return: the check by police, and the return interview."""

from dataclasses import replace

from services.safeguarding.child_events import events
from services.safeguarding.deeds.answers import Answers, Fault, Field, Kind
from services.safeguarding.deeds.deed import DeedSpec, Matter
from services.safeguarding.message import Message
from services.safeguarding.roles import Deed

YES_NO = ("yes", "no")
NOTE = Field("note", Kind.WORDS, required=False)


def _check(matter: Matter, answers: Answers) -> tuple[Message, ...]:
    return (matter.tell(events.SafeAndWellCheckRecorded, answers),)


def _interview(matter: Matter, answers: Answers) -> tuple[Message, ...]:
    return (matter.tell(events.ReturnInterviewRecorded, answers, state=answers.chosen["state"]),)


def _declined_with_reason(answers: Answers) -> dict[str, Fault]:
    declined = answers.chosen["state"] == "declined"
    return {"note": Fault.MISSING} if declined and "note" not in answers.said else {}


SAFE_AND_WELL_CHECK = DeedSpec(Deed.SAFE_AND_WELL_CHECK, (NOTE,), _check, ("safe-and-well-check.recorded",))
RETURN_INTERVIEW_OFFER = DeedSpec(
    Deed.RETURN_INTERVIEW_OFFER,
    (Field("state", Kind.CHOICE, choices=("offered", "completed", "declined")), NOTE),
    _interview,
    ("return-interview.offered", "return-interview.done"),
    _declined_with_reason,
)
RETURN_INTERVIEW = replace(RETURN_INTERVIEW_OFFER, deed=Deed.RETURN_INTERVIEW, ends=("return-interview.done",))
"""The same form: to have it offered is said there too, and ends nothing that it is to be held."""
