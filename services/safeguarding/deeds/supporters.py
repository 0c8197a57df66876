"""The deeds that give a child people: advisers, guardian, visitor, companion, interpreter, and a file that holds."""

from collections.abc import Mapping

from services.safeguarding.child_events import care_events, plan_events
from services.safeguarding.child_events.plan_events import CareStep
from services.safeguarding.deeds.answers import NOTE, Answers, Fault, Field, Kind, ask_choice, ask_yes_no
from services.safeguarding.deeds.deed import DeedSpec, require_note
from services.safeguarding.deeds.steps import describe_step
from services.safeguarding.notice_fields import ASKED_OF_CARERS
from services.safeguarding.roles import Deed


def _profile_needs(answers: Answers) -> Mapping[str, Fault]:
    is_empty = answers.chosen["profile"] == "filled-in" and not answers.said
    return {ASKED_OF_CARERS[0]: Fault.MISSING} if is_empty else {}


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
    DeedSpec(
        Deed.PROFILE,
        care_events.ProfileRecorded,
        ("profile.recorded",),
        (
            ask_choice("profile", "filled-in", "nothing-new"),
            *(Field(name, Kind.WORDS, required=False) for name in ASKED_OF_CARERS),
            ask_yes_no("photograph"),
        ),
        facts=lambda answers: {
            "changed": answers.chosen["profile"] == "filled-in",
            "photograph": answers.facts["photograph"],
        },
        needs=_profile_needs,
        folds=False,
    ),
    DeedSpec(Deed.CONTACTS_CHECK, care_events.ContactsChecked, ("contacts.checked",), (NOTE,)),
    DeedSpec(Deed.CARERS_BRIEFING, care_events.CarerAwarenessRecorded, ("carers.made-aware",), (NOTE,)),
)
