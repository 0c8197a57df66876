"""The deeds that give a child people: advisers, guardian, visitor, companion, interpreter, and a file that holds."""

from services.safeguarding.child_events import care_events, plan_events
from services.safeguarding.child_events.plan_events import CareStep
from services.safeguarding.deeds.answers import NOTE, Field, Kind, ask_choice, ask_yes_no
from services.safeguarding.deeds.deed import DeedSpec, require_note
from services.safeguarding.deeds.steps import describe_step
from services.safeguarding.roles import Deed

SPECS = (
    DeedSpec(
        Deed.LEGAL_ADVISER,
        plan_events.LegalAdviserVerified,
        ("legal-adviser.verified",),
        (ask_choice("qualification", "solicitor", "oisc-2", "oisc-3"), NOTE),
    ),
    describe_step(Deed.PERSONAL_ADVISER, CareStep.PERSONAL_ADVISER_APPOINTED, "personal-adviser.appointed"),
    describe_step(Deed.GUARDIAN, CareStep.GUARDIAN_APPOINTED, "guardian.appointed"),
    describe_step(Deed.COMPANION, CareStep.COMPANION_GOES, "companion.goes"),
    DeedSpec(Deed.ADVOCACY, plan_events.AdvocacyExplained, ("advocacy.explained",), (ask_yes_no("accepted"), NOTE)),
    DeedSpec(
        Deed.VISITOR,
        plan_events.IndependentVisitorOffered,
        ("independent-visitor.offered",),
        (ask_yes_no("accepted"), ask_yes_no("role_understood"), NOTE),
        needs=require_note("accepted", False),
    ),
    DeedSpec(
        Deed.INTERPRETER,
        plan_events.InterpreterChecked,
        ("interpreter.checked",),
        (ask_yes_no("trained"), ask_yes_no("independent"), NOTE),
    ),
    DeedSpec(
        Deed.PHOTOGRAPH,
        care_events.PhotographRecorded,
        ("photograph.recorded",),
        (Field("taken_on", Kind.PAST_DAY), NOTE),
    ),
    DeedSpec(Deed.CONTACTS_CHECK, care_events.ContactsChecked, ("contacts.checked",), (NOTE,)),
    DeedSpec(Deed.CARERS_BRIEFING, care_events.CarerAwarenessRecorded, ("carers.made-aware",), (NOTE,)),
)
