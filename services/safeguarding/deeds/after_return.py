"""The deeds around a child's return: fetched, checked by police, interviewed."""

from collections.abc import Mapping
from dataclasses import replace

from services.safeguarding.child_events import events
from services.safeguarding.child_events.absence_reasons import PullFactor, PushFactor
from services.safeguarding.child_events.plan_events import CareStep
from services.safeguarding.deeds.answers import NOTE, Answers, Fault, Field, Kind, ask_choice, ask_yes_no
from services.safeguarding.deeds.deed import DeedSpec
from services.safeguarding.deeds.steps import describe_step
from services.safeguarding.roles import Deed

OF_A_HELD_INTERVIEW = ("by", "independent", "interpreter")


def _interview_needs(answers: Answers) -> Mapping[str, Fault]:
    match answers.chosen["state"]:
        case "declined":
            return {} if "note" in answers.said else {"note": Fault.MISSING}
        case "completed":
            return {name: Fault.MISSING for name in OF_A_HELD_INTERVIEW if name not in answers.facts}
        case _:
            return {}


INTERVIEW = DeedSpec(
    Deed.RETURN_INTERVIEW,
    events.ReturnInterviewRecorded,
    ("return-interview.done",),
    (
        ask_choice("state", "offered", "completed", "declined"),
        ask_choice("by", "independent-provider", "social-worker", "other-professional", required=False),
        ask_yes_no("independent", required=False),
        ask_yes_no("interpreter", required=False),
        Field("push", Kind.SEVERAL, required=False, choices=tuple(PushFactor)),
        Field("pull", Kind.SEVERAL, required=False, choices=tuple(PullFactor)),
        ask_choice("covers", "all-absences", "this-absence", required=False),
        NOTE,
    ),
    needs=_interview_needs,
)
SPECS = (
    describe_step(Deed.COLLECTION, CareStep.CHILD_COLLECTED, "child.collected"),
    DeedSpec(
        Deed.SAFE_AND_WELL_CHECK,
        events.SafeAndWellCheckRecorded,
        ("safe-and-well-check.recorded",),
        (ask_choice("seen_by", "police", "police-and-social-worker"), ask_yes_no("safe"), ask_yes_no("hurt"), NOTE),
    ),
    INTERVIEW,
    replace(INTERVIEW, deed=Deed.RETURN_INTERVIEW_OFFER, ends=("return-interview.offered", "return-interview.done")),
)
