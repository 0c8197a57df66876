"""The deeds that protect a child from exploitation: referral, conference, assessment, watch."""

from services.safeguarding.child_events import events, plan_events
from services.safeguarding.child_events.discussion_events import ChildProtectionConferenceHeld
from services.safeguarding.child_events.plan_events import CareStep, Level
from services.safeguarding.deeds.answers import NOTE, Field, Kind, ask_choice, ask_yes_no
from services.safeguarding.deeds.deed import DeedSpec, require_note
from services.safeguarding.deeds.steps import describe_step
from services.safeguarding.roles import Deed

SPECS = (
    DeedSpec(
        Deed.NRM_REFERRAL,
        plan_events.NrmReferralRecorded,
        ("nrm.referred", "nrm.not-needed"),
        (ask_yes_no("needed"), NOTE),
        needs=require_note("needed", False),
    ),
    DeedSpec(
        Deed.NRM_DECISION,
        events.NrmDecisionRecorded,
        ("nrm.decided",),
        (ask_choice("stage", "reasonable-grounds", "conclusive-grounds"), ask_yes_no("positive"), NOTE),
    ),
    describe_step(Deed.NRM_FOLLOW_UP, CareStep.NRM_FOLLOW_UP_PLANNED, "nrm-follow-up.planned"),
    DeedSpec(
        Deed.CONFERENCE,
        ChildProtectionConferenceHeld,
        ("child-protection-conference.held",),
        (ask_choice("state", "held", "not-needed"), NOTE),
        needs=require_note("state", "not-needed"),
    ),
    DeedSpec(
        Deed.RISK_ASSESSMENT,
        plan_events.RiskAssessmentRecorded,
        ("risk-assessment.recorded",),
        (
            ask_choice("missing", *Level),
            ask_choice("trafficker_influence", *Level),
            Field("review_on", Kind.DAY_TO_COME),
            NOTE,
        ),
    ),
    DeedSpec(Deed.TALK, plan_events.WatchTalkPlanned, ("watch.talk-planned",), (NOTE,)),
    DeedSpec(
        Deed.WATCH_REVIEW,
        events.WatchReviewed,
        ("watch.opened", "watch.ended"),
        (ask_yes_no("goes_on"), NOTE),
        needs=require_note("goes_on", False),
    ),
)
