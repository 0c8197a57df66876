"""The deeds of and around police: what a force said by telephone, and what is decided while a child is missing."""

from services.safeguarding.child_events import events, plan_events
from services.safeguarding.child_events.care_events import MissingMeetingHeld
from services.safeguarding.deeds.answers import NOTE, Field, Kind, ask_choice
from services.safeguarding.deeds.deed import DeedSpec
from services.safeguarding.roles import Deed

SPECS = (
    DeedSpec(
        Deed.POLICE_REFERENCE,
        events.PoliceReferenceTexted,
        ("police.reference-given",),
        (Field("reference", Kind.LINE),),
    ),
    DeedSpec(
        Deed.POLICE_GRADE,
        events.PoliceRiskGraded,
        ("police.risk-graded",),
        (ask_choice("grade", *events.RiskGrade), Field("review_at", Kind.MOMENT, required=False), NOTE),
    ),
    DeedSpec(Deed.POLICE_CLOSED, events.PoliceClosed, ("police.closed",), (NOTE,)),
    DeedSpec(
        Deed.PARENTS_DECISION,
        plan_events.ParentsDecisionRecorded,
        ("parents.decision-recorded",),
        (ask_choice("decision", "tell", "withhold"), NOTE),
    ),
    DeedSpec(Deed.MISSING_MEETING, MissingMeetingHeld, ("missing-meeting.held",), (NOTE,)),
)
