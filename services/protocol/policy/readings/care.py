"""Reads events of a child's care: they set marks on the child's record, and set off rules.

Among them decisions of the Home Office, a tribunal or the national referral mechanism, which may raise the risk.
"""

from datetime import date

from services.protocol.policy.draft import Draft, Reader, Reading, with_what_is_known
from services.protocol.policy.readings.moves import follow_placement, settle_unknowns
from services.protocol.policy.rule_engine.predicates import aware_since, with_aware
from services.protocol.policy.rule_engine.waits import supersede
from services.protocol.policy.rule_language.vocabulary import Mark, Trigger
from services.safeguarding.child_events import care_events, events
from services.safeguarding.child_events import care_events as care
from services.safeguarding.child_events import care_events as plan
from services.safeguarding.duty.decisions import Verdict
from services.safeguarding.message import Message
from services.safeguarding.roles import CareStep
from services.safeguarding.working_time import day_in_england

STEPS_DUE = {"education-step": Trigger.EDUCATION_REVIEW_DUE, "health-step": Trigger.HEALTH_REVIEW_DUE}
"""By what casework says is due. Everything else is a review."""

STEPS_DONE = {step: Trigger[step.upper().replace("-", "_")] for step in CareStep}


def _only(*triggers: Trigger | None) -> list[Reading]:
    """Readings of the child, outside any episode."""
    return [Reading(each) for each in triggers if each is not None]


def _read_presented(_draft: Draft, event: care.ChildPresented) -> list[Reading]:
    return _only(
        Trigger.CHILD_PRESENTED,
        None if event.concern is False else Trigger.PRESENTED_WITH_CONCERN,
        Trigger.TRAFFICKING_SUSPECTED if event.trafficking_suspected else None,
    )


def _read_accommodated(draft: Draft, event: care.ChildAccommodated) -> list[Reading]:
    _note_placement(draft)
    if event.under != "section-20":
        return _only(Trigger.CHILD_ACCOMMODATED)
    draft.mark(Mark.ACCOMMODATED, draft.happened.time)
    return _only(Trigger.CHILD_ACCOMMODATED, Trigger.SECTION_20_BEGAN)


def _read_left_care(draft: Draft, _event: Message) -> list[Reading]:
    for mark in (Mark.ACCOMMODATED, Mark.LOOKED_AFTER):
        draft.mark(mark, draft.happened.time, on=False)
    return _only(Trigger.CHILD_LEFT_CARE)


def _read_dispute_opened(draft: Draft, _event: Message) -> list[Reading]:
    draft.mark(Mark.AGE_DISPUTED, draft.happened.time)
    return _only(Trigger.AGE_DISPUTE_OPENED)


def _read_age_determined(draft: Draft, event: care.AgeDetermined) -> list[Reading]:
    if not event.case_law_compliant:
        return [Reading(Trigger.AGE_UNLAWFULLY_DETERMINED, verdict=Verdict.UNVERIFIED)]
    draft.mark(Mark.AGE_DISPUTED, draft.happened.time, on=False)
    is_child = event.found == "child"
    agrees = _is_child_by_register(draft) is is_child
    draft.keep(wrong_adult_on=None if agrees else draft.facts.adult_on)
    return _only(Trigger.AGE_FOUND_CHILD) if is_child else start_watch(draft, Trigger.AGE_FOUND_ADULT)


def _is_child_by_register(draft: Draft) -> bool | None:
    adult_on = draft.facts.adult_on
    return None if adult_on is None else day_in_england(draft.happened.time) < adult_on


def _read_stage(draft: Draft, event: plan.AsylumStageRecorded) -> list[Reading]:
    if event.stage != plan.AsylumStage.CURRENT_CIRCUMSTANCES_PART_2:
        return _only(Trigger.ASYLUM_STAGE_RECORDED)
    return [*_only(Trigger.ASYLUM_STAGE_RECORDED), *start_watch(draft, Trigger.RETURN_CONSIDERED)]


def start_watch(draft: Draft, trigger: Trigger | None) -> list[Reading]:
    """Starts the watch, or starts it again. An older decision that arrives late does not shorten it."""
    if trigger is None:
        return [Reading(verdict=Verdict.CHANGED)]
    if trigger not in draft.protocols.current.watch_on:
        return [Reading(trigger)]
    if not draft.happened.exercise:
        draft.watched_since = max(filter(None, (draft.watched_since, draft.happened.time)))
    return _only(trigger, Trigger.WATCH_OPENED)


def _read_nrm_referred(draft: Draft, event: plan.NrmReferralRecorded) -> list[Reading]:
    if not event.needed:
        return _only(Trigger.NRM_NOT_NEEDED)
    draft.mark(Mark.NRM_REFERRED, draft.happened.time)
    draft.mark(Mark.TREATED_AS_VICTIM, draft.happened.time)
    return _only(Trigger.NRM_REFERRED)


def _read_contact_proposed(_draft: Draft, event: plan.FamilyContactProposed) -> list[Reading]:
    return _only(Trigger.FAMILY_CONTACT_STOPPED if event.fear_or_distress else Trigger.FAMILY_CONTACT_PROPOSED)


def _read_emergency(_draft: Draft, event: care.EmergencyAccommodationRequested) -> list[Reading]:
    return _only(
        Trigger.EMERGENCY_ACCOMMODATION_REQUESTED,
        Trigger.BED_AND_BREAKFAST_REQUESTED if event.bed_and_breakfast else None,
    )


def _read_interpreter(_draft: Draft, event: plan.InterpreterChecked) -> list[Reading]:
    return _only(Trigger.INTERPRETER_CHECKED if event.trained and event.independent else Trigger.INTERPRETER_UNFIT)


def _read_review(_draft: Draft, event: plan.ReviewDue) -> list[Reading]:
    return _only(STEPS_DUE.get(event.review, Trigger.REVIEW_DUE))


def _read_visitor(_draft: Draft, event: plan.IndependentVisitorOffered) -> list[Reading]:
    explained = event.role_understood and (event.accepted or event.words)
    return _only(Trigger.VISITOR_OFFERED, None if explained else Trigger.VISITOR_UNEXPLAINED)


def _read_photograph(draft: Draft, event: care.PhotographRecorded) -> list[Reading]:
    known = draft.record.photo_taken_on
    draft.keep(photo_taken_on=event.taken_on if known is None else max(known, event.taken_on))
    return _only(Trigger.PHOTOGRAPH_RECORDED)


def _read_contacts(draft: Draft, _event: Message) -> list[Reading]:
    known = draft.record.contacts_checked_at
    draft.keep(contacts_checked_at=max(filter(None, (known, draft.happened.time))))
    return _only(Trigger.CONTACTS_CHECKED)


def _read_carers_aware(draft: Draft, event: care.CarerAwarenessRecorded) -> list[Reading]:
    """Sets off `carers.made-aware` only when every carer is recorded anew: one aware carer is not all."""
    before = aware_since(draft.record, draft.facts)
    draft.keep(carers_aware=with_aware(draft.record, draft.facts, event.carer, draft.happened.time))
    now = aware_since(draft.record, draft.facts)
    return [Reading(verdict=Verdict.CHANGED)] if now is None or now == before else _only(Trigger.CARERS_MADE_AWARE)


def record_changed(draft: Draft, _event: Message) -> list[Reading]:
    guardian = _only(Trigger.GUARDIAN_APPOINTED if draft.facts.guardian_allocated else None)
    return [Reading(Trigger.CHILD_RECORD_CHANGED), *guardian, *follow_placement(draft), *settle_unknowns(draft)]


def _note_placement(draft: Draft) -> None:
    draft.keep(placed_at=max(filter(None, (draft.record.placed_at, draft.happened.time))))


def _read_placement_changed(draft: Draft, _event: Message) -> list[Reading]:
    _note_placement(draft)
    return [Reading(Trigger.PLACEMENT_CHANGED), *follow_placement(draft)]


def _read_care_step(draft: Draft, event: plan.CareStepRecorded) -> list[Reading]:
    trigger = STEPS_DONE[event.step]
    return [Reading(trigger, draft.open_episode if trigger == Trigger.CHILD_COLLECTED else None)]


def _read_immigration_status(draft: Draft, event: plan.ImmigrationStatusRecorded) -> list[Reading]:
    """Holds until the register has a word of its own. It sets off `immigration-control.settled`."""
    draft.keep(immigration_control=event.subject_to_control)
    draft.facts = with_what_is_known(draft.record, draft.facts)
    return settle_unknowns(draft) or [Reading(verdict=Verdict.CHANGED)]


READERS: dict[type[Message], Reader] = {
    care.ChildPresented: _read_presented,
    care.ChildAccommodated: _read_accommodated,
    care.ChildLeftCare: _read_left_care,
    care.AgeDisputeOpened: _read_dispute_opened,
    care.AgeDetermined: _read_age_determined,
    care.PlacementChanged: _read_placement_changed,
    plan.AsylumStageRecorded: _read_stage,
    plan.NrmReferralRecorded: _read_nrm_referred,
    plan.AppealRightsExhausted: lambda _draft, event: (
        [Reading(verdict=Verdict.CHANGED)]
        if event.lawful_basis or event.claim_outstanding
        else _only(Trigger.APPEAL_RIGHTS_EXHAUSTED)
    ),
    plan.FamilyContactProposed: _read_contact_proposed,
    care.EmergencyAccommodationRequested: _read_emergency,
    plan.InterpreterChecked: _read_interpreter,
    plan.LegalAdviserVerified: lambda _draft, event: _only(
        Trigger.LEGAL_ADVISER_UNFIT if event.qualification == "oisc-1" else Trigger.LEGAL_ADVISER_VERIFIED
    ),
    plan.ReviewDue: _read_review,
    plan.IndependentVisitorOffered: _read_visitor,
    plan.CareStepRecorded: _read_care_step,
    plan.ImmigrationStatusRecorded: _read_immigration_status,
    care.PhotographRecorded: _read_photograph,
    care.ContactsChecked: _read_contacts,
    care.CarerAwarenessRecorded: _read_carers_aware,
}


NEGATIVE = {
    events.AsylumOutcome.REFUSED: Trigger.DECISION_REFUSED,
    events.AsylumOutcome.UASC_LEAVE: Trigger.DECISION_UASC_LEAVE,
}


def _read_asylum(draft: Draft, event: events.AsylumDecisionRecorded) -> list[Reading]:
    """A correction counts the time to appeal from the corrected day; the watch stays as it was."""
    trigger = NEGATIVE.get(event.outcome)
    if trigger is None:
        return [Reading(verdict=Verdict.CHANGED) if event.corrects else Reading(Trigger.DECISION_GRANTED)]
    dated = Reading(Trigger.DECISION_UNDATED if event.sent_on is None else Trigger.DECISION_DATED)
    if not event.corrects:
        return [*start_watch(draft, trigger), dated]
    for waiting in list(draft.waiting.values()):
        of_decision = Trigger.DECISION_DATED in draft.rule_of(waiting).on and waiting.stood_down is None
        if of_decision and waiting.cause.exercise == draft.happened.exercise:
            supersede(draft, waiting)
    return [dated]


def _read_appeal(draft: Draft, event: events.AppealDecided) -> list[Reading]:
    dismissed = start_watch(draft, Trigger.APPEAL_DISMISSED) if event.result == "dismissed" else []
    return [Reading(Trigger.APPEAL_DECIDED), *dismissed]


def _read_nrm(draft: Draft, event: events.NrmDecisionRecorded) -> list[Reading]:
    """A decision implies a referral, whether or not we heard of one."""
    decided = Reading(Trigger.NRM_DECIDED)
    draft.mark(Mark.NRM_REFERRED, draft.happened.time)
    if event.positive:
        draft.mark(Mark.TREATED_AS_VICTIM, draft.happened.time)
        return [decided, Reading(Trigger.NRM_REASONABLE_GROUNDS)] if event.stage == "reasonable-grounds" else [decided]
    if event.stage == "conclusive-grounds":
        draft.mark(Mark.TREATED_AS_VICTIM, draft.happened.time, on=False)
    return [decided, *start_watch(draft, Trigger.NRM_NEGATIVE)]


def _read_granted(draft: Draft, event: care_events.LeaveGranted) -> list[Reading]:
    if event.expires_on is not None:
        return _read_expiry(draft, Trigger.LEAVE_GRANTED, event.expires_on)
    if not draft.happened.exercise:
        draft.leave_expires_on = None
    return [Reading(Trigger.LEAVE_GRANTED), Reading(Trigger.LEAVE_WITHOUT_END)]


def _read_expiry(draft: Draft, trigger: Trigger, on: date | None) -> list[Reading]:
    """A known day sets off nothing: it is counted down to already, or an application extends the leave (3C)."""
    if not draft.happened.exercise and on is not None:
        if on == draft.leave_expires_on:
            return [Reading(verdict=Verdict.ALREADY_SO)]
        draft.leave_expires_on = on
    return [Reading(trigger)]


def _read_application(draft: Draft, event: care_events.LeaveApplicationRecorded) -> list[Reading]:
    """On the last day of leave it is in time."""
    made_on = event.made_on or day_in_england(draft.happened.time)
    late = draft.leave_expires_on is not None and made_on > draft.leave_expires_on
    fit = event.valid and not late
    return [Reading(Trigger.LEAVE_APPLICATION_RECORDED if fit else Trigger.LEAVE_APPLICATION_UNFIT)]


def _read_application_ended(draft: Draft, event: care_events.LeaveApplicationEnded) -> list[Reading]:
    """A grant changes nothing here: `leave.granted` brings the new date."""
    if event.result == "granted":
        return [Reading(verdict=Verdict.CHANGED)]
    refused = start_watch(draft, Trigger.EXTENSION_REFUSED) if event.result == "refused" else []
    return [Reading(Trigger.LEAVE_APPLICATION_ENDED), *refused]


def _read_reviewed(draft: Draft, event: events.WatchReviewed) -> list[Reading]:
    if draft.watched_since is None or draft.happened.time < draft.watched_since:
        return [Reading(verdict=Verdict.OUTGROWN)]
    if not draft.happened.exercise:
        draft.watched_since = draft.happened.time if event.goes_on else None
    return [Reading(Trigger.WATCH_OPENED if event.goes_on else Trigger.WATCH_ENDED)]


DECISION_READERS: dict[type[Message], Reader] = {
    events.AsylumDecisionRecorded: _read_asylum,
    events.AppealDecided: _read_appeal,
    events.NrmDecisionRecorded: _read_nrm,
    care_events.LeaveGranted: _read_granted,
    care_events.LeaveApplicationRecorded: _read_application,
    care_events.LeaveApplicationEnded: _read_application_ended,
    events.WatchReviewed: _read_reviewed,
    care_events.LeaveExpiring: lambda draft, event: _read_expiry(draft, Trigger.LEAVE_EXPIRING, event.expires_on),
    events.ChildRecordChanged: record_changed,
}
