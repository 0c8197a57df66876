"""What happens to a child in care, and what it makes so: marks on the child's record, and what sets rules off."""

from collections.abc import Callable
from typing import Any

from services.protocol.policy.awareness import aware_since, with_aware
from services.protocol.policy.draft import Draft
from services.protocol.policy.moves import moved, settled
from services.protocol.policy.replies import Reading
from services.protocol.policy.vocabulary import Mark, Trigger
from services.safeguarding import care_events as care
from services.safeguarding import plan_events as plan
from services.safeguarding.decisions import Verdict
from services.safeguarding.message import Message

Reader = Callable[[Draft, Any], list[Reading]]


def _only(*triggers: Trigger | None) -> list[Reading]:
    """Of the child, beside any episode."""
    return [Reading(each, None) for each in triggers if each is not None]


def _presented(_draft: Draft, event: care.ChildPresented) -> list[Reading]:
    return _only(
        Trigger.CHILD_PRESENTED,
        None if event.concern is False else Trigger.PRESENTED_WITH_CONCERN,
        Trigger.TRAFFICKING_SUSPECTED if event.trafficking_suspected else None,
    )


def _accommodated(draft: Draft, event: care.ChildAccommodated) -> list[Reading]:
    if event.under != "section-20":
        return _only(Trigger.CHILD_ACCOMMODATED)
    draft.mark(Mark.ACCOMMODATED, draft.happened.time)
    return _only(Trigger.CHILD_ACCOMMODATED, Trigger.SECTION_20_BEGAN)


def _left_care(draft: Draft, _event: Message) -> list[Reading]:
    for mark in (Mark.ACCOMMODATED, Mark.LOOKED_AFTER):
        draft.mark(mark, draft.happened.time, on=False)
    return _only(Trigger.CHILD_LEFT_CARE)


def _dispute_opened(draft: Draft, _event: Message) -> list[Reading]:
    draft.mark(Mark.AGE_DISPUTED, draft.happened.time)
    return _only(Trigger.AGE_DISPUTE_OPENED)


def _age_determined(draft: Draft, event: care.AgeDetermined) -> list[Reading]:
    if not event.case_law_compliant:
        return [Reading(Trigger.AGE_UNLAWFULLY_DETERMINED, None, Verdict.UNVERIFIED)]
    draft.mark(Mark.AGE_DISPUTED, draft.happened.time, on=False)
    return _only(Trigger.AGE_DETERMINED)


def _stage(draft: Draft, event: plan.AsylumStageRecorded) -> list[Reading]:
    if event.stage != plan.AsylumStage.CURRENT_CIRCUMSTANCES_PART_2:
        return _only(Trigger.ASYLUM_STAGE_RECORDED)
    return [*_only(Trigger.ASYLUM_STAGE_RECORDED), *watched(draft, Trigger.RETURN_CONSIDERED)]


def watched(draft: Draft, trigger: Trigger | None) -> list[Reading]:
    """A later negative decision starts the watch again. One that arrives late does not shorten it."""
    if trigger is None:
        return [Reading(None, None, Verdict.CHANGED)]
    if trigger not in draft.protocols.current.watch_on:
        return [Reading(trigger, None)]
    if not draft.happened.exercise:
        draft.watched_since = max(filter(None, (draft.watched_since, draft.happened.time)))
    return _only(trigger, Trigger.WATCH_OPENED)


def _nrm_referred(draft: Draft, _event: Message) -> list[Reading]:
    draft.mark(Mark.NRM_REFERRED, draft.happened.time)
    draft.mark(Mark.TREATED_AS_VICTIM, draft.happened.time)
    return _only(Trigger.NRM_REFERRED)


def _contact_proposed(_draft: Draft, event: plan.FamilyContactProposed) -> list[Reading]:
    return _only(Trigger.FAMILY_CONTACT_STOPPED if event.fear_or_distress else Trigger.FAMILY_CONTACT_PROPOSED)


def _emergency(_draft: Draft, event: care.EmergencyAccommodationRequested) -> list[Reading]:
    return _only(
        Trigger.EMERGENCY_ACCOMMODATION_REQUESTED,
        Trigger.BED_AND_BREAKFAST_REQUESTED if event.bed_and_breakfast else None,
    )


def _interpreter(_draft: Draft, event: plan.InterpreterChecked) -> list[Reading]:
    return _only(Trigger.INTERPRETER_CHECKED if event.trained and event.independent else Trigger.INTERPRETER_UNFIT)


def _review(_draft: Draft, event: plan.ReviewDue) -> list[Reading]:
    return _only(Trigger.EDUCATION_REVIEW_DUE if event.review == "education-step" else Trigger.REVIEW_DUE)


def _visitor(_draft: Draft, event: plan.IndependentVisitorOffered) -> list[Reading]:
    explained = event.role_understood and (event.accepted or event.words)
    return _only(Trigger.VISITOR_OFFERED, None if explained else Trigger.VISITOR_UNEXPLAINED)


def _photograph(draft: Draft, event: care.PhotographRecorded) -> list[Reading]:
    known = draft.record.photo_taken_on
    draft.keep(photo_taken_on=event.taken_on if known is None else max(known, event.taken_on))
    return _only(Trigger.PHOTOGRAPH_RECORDED)


def _contacts(draft: Draft, _event: Message) -> list[Reading]:
    known = draft.record.contacts_checked_at
    draft.keep(contacts_checked_at=max(filter(None, (known, draft.happened.time))))
    return _only(Trigger.CONTACTS_CHECKED)


def _carers_aware(draft: Draft, event: care.CarerAwarenessRecorded) -> list[Reading]:
    """Nobody is asked any more once there is newer word of all: of one who practises, the others may still know nothing."""
    before = aware_since(draft.record, draft.facts)
    draft.keep(carers_aware=with_aware(draft.record, draft.facts, event.carer, draft.happened.time))
    now = aware_since(draft.record, draft.facts)
    return [Reading(None, None, Verdict.CHANGED)] if now is None or now == before else _only(Trigger.CARERS_MADE_AWARE)


def record_changed(draft: Draft, _event: Message) -> list[Reading]:
    return [Reading(Trigger.CHILD_RECORD_CHANGED, None), *moved(draft), *settled(draft)]


def _placement_changed(draft: Draft, _event: Message) -> list[Reading]:
    return [Reading(Trigger.PLACEMENT_CHANGED, None), *moved(draft)]


def _sets_off(trigger: Trigger) -> Reader:
    return lambda _draft, _event: [Reading(trigger, None)]


def _of_episode(trigger: Trigger) -> Reader:
    return lambda draft, _event: [Reading(trigger, draft.open_episode)]


READERS: dict[type[Message], Reader] = {
    care.ChildPresented: _presented,
    care.ChildAccommodated: _accommodated,
    care.ChildLeftCare: _left_care,
    care.ChildApproaching18: _sets_off(Trigger.CHILD_APPROACHING_18),
    care.ChildTurned18: _sets_off(Trigger.CHILD_TURNED_18),
    care.AgeDisputeOpened: _dispute_opened,
    care.AgeDetermined: _age_determined,
    care.PlacementChanged: _placement_changed,
    plan.AsylumStageRecorded: _stage,
    plan.NrmReferralRecorded: _nrm_referred,
    plan.AppealRightsExhausted: lambda _draft, event: (
        [Reading(None, None, Verdict.CHANGED)]
        if event.lawful_basis or event.claim_outstanding
        else _only(Trigger.APPEAL_RIGHTS_EXHAUSTED)
    ),
    plan.FamilyTracingRecorded: _sets_off(Trigger.FAMILY_TRACING_RECORDED),
    plan.FamilyContactProposed: _contact_proposed,
    plan.ParentsDecisionRecorded: _of_episode(Trigger.PARENTS_DECISION_RECORDED),
    plan.RiskAssessmentRecorded: _sets_off(Trigger.RISK_ASSESSMENT_RECORDED),
    plan.ProtectiveMeasuresRecorded: _sets_off(Trigger.PROTECTIVE_MEASURES_RECORDED),
    care.EmergencyAccommodationRequested: _emergency,
    plan.LegalMeetingArranged: _sets_off(Trigger.LEGAL_MEETING_ARRANGED),
    plan.InterpreterChecked: _interpreter,
    plan.LegalAdviserVerified: _sets_off(Trigger.LEGAL_ADVISER_VERIFIED),
    plan.ReviewDue: _review,
    plan.ReturnHomePlanned: _sets_off(Trigger.RETURN_HOME_PLANNED),
    plan.IndependentVisitorOffered: _visitor,
    plan.AdvocacyExplained: _sets_off(Trigger.ADVOCACY_EXPLAINED),
    care.PhotographRecorded: _photograph,
    care.ContactsChecked: _contacts,
    care.CarerAwarenessRecorded: _carers_aware,
    care.MissingMeetingHeld: _sets_off(Trigger.MISSING_MEETING_HELD),
}
