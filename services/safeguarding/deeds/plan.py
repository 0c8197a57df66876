"""The deeds of a child's claim and care plan: appeal, leave, transfer, dated steps."""

from collections.abc import Mapping
from typing import Any

from services.safeguarding.child_events import plan_events
from services.safeguarding.child_events.plan_events import CareStep, CareStepRecorded
from services.safeguarding.deeds.answers import NOTE, Answers, Fault, Field, Kind, ask_choice, ask_yes_no
from services.safeguarding.deeds.deed import DeedSpec, require_note
from services.safeguarding.deeds.steps import describe_step
from services.safeguarding.roles import Deed

LASTS, LAST_DAY = "lasts", "until-a-day"


def _leave_needs(answers: Answers) -> Mapping[str, Fault]:
    """A day that was left out is no leave without end."""
    has_day = answers.chosen[LASTS] == LAST_DAY
    return {"expires_on": Fault.MISSING} if has_day and "expires_on" not in answers.facts else {}


def _leave_facts(answers: Answers) -> Mapping[str, Any]:
    return {"expires_on": answers.facts["expires_on"]} if answers.chosen[LASTS] == LAST_DAY else {}


SPECS = (
    describe_step(Deed.APPEAL, CareStep.APPEAL_LODGED, "appeal.lodged"),
    DeedSpec(Deed.LEAVE_APPLICATION, plan_events.LeaveApplicationRecorded, ("leave.application-recorded",), (NOTE,)),
    DeedSpec(
        Deed.LEAVE,
        plan_events.LeaveGranted,
        ("leave.granted",),
        (ask_choice(LASTS, LAST_DAY, "no-last-day"), Field("expires_on", Kind.DAY_TO_COME, required=False), NOTE),
        facts=_leave_facts,
        needs=_leave_needs,
    ),
    DeedSpec(
        Deed.TRANSFER_ANSWER,
        CareStepRecorded,
        ("transfer.accepted", "transfer.refused"),
        (ask_choice("transfer", CareStep.TRANSFER_ACCEPTED, CareStep.TRANSFER_REFUSED), NOTE),
        facts=lambda answers: {"step": answers.chosen["transfer"]},
        needs=require_note("transfer", CareStep.TRANSFER_REFUSED),
    ),
    describe_step(Deed.TRANSFER_MOVE, CareStep.TRANSFER_MOVED, "transfer.moved"),
    DeedSpec(
        Deed.FULL_MEETING,
        CareStepRecorded,
        ("full-meeting.held", "full-meeting.not-needed"),
        (ask_choice("meeting", CareStep.FULL_MEETING_HELD, CareStep.FULL_MEETING_NOT_NEEDED), NOTE),
        facts=lambda answers: {"step": answers.chosen["meeting"]},
        needs=require_note("meeting", CareStep.FULL_MEETING_NOT_NEEDED),
    ),
    DeedSpec(
        Deed.IMMIGRATION_STATUS,
        plan_events.ImmigrationStatusRecorded,
        ("immigration-control.settled",),
        (ask_yes_no("subject_to_control"), NOTE),
    ),
    describe_step(Deed.PLAN_STEP, CareStep.PLAN_STEP_DONE, "plan-step.done"),
    describe_step(Deed.LOOKED_AFTER_STATUS, CareStep.LOOKED_AFTER_RECORDED, "looked-after.recorded"),
    describe_step(Deed.RIGHTS_ASSESSMENT, CareStep.RIGHTS_ASSESSED, "rights.assessed"),
    describe_step(Deed.TRANSFER_EXPLANATION, CareStep.TRANSFER_EXPLAINED, "transfer.explained"),
    describe_step(Deed.TRACING_EXPLANATION, CareStep.TRACING_EXPLAINED, "tracing.explained"),
    describe_step(Deed.CARE_PLAN, CareStep.CARE_PLAN_UPDATED, "care-plan.updated"),
    describe_step(Deed.RECONSIDERATION, CareStep.RECONSIDERATION_SETTLED, "reconsideration.settled"),
    describe_step(Deed.HEALTH_STEP, CareStep.HEALTH_STEP_DONE, "health-step.done"),
    describe_step(Deed.EDUCATION_STEP, CareStep.EDUCATION_STEP_DONE, "education-step.done"),
    describe_step(Deed.REVIEW, CareStep.REVIEW_HELD, "review.held"),
    describe_step(Deed.PATHWAY_PLAN, CareStep.PATHWAY_PLAN_RECORDED, "pathway-plan.recorded"),
)
