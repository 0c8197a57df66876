"""Chooses the policy for the kind of sender, and decides by it."""

from dataclasses import replace

from services.carers.policy.answer import Answer
from services.carers.policy.consequences import confirmation, enrolment, escalation
from services.carers.policy.context import Telling, TextContext
from services.carers.policy.decision import Decision
from services.carers.policy.senders import carer, officer, staff, stranger
from services.carers.understanding.meaning import REPORTS, Intent, Meaning

OWN_CHILDREN = frozenset({"carer", "residential"})
NEWS = REPORTS | {Intent.LOCATED, Intent.SEEN, Intent.CONTACT, Intent.LURE, Intent.HELP}
"""Of a child who may be missing."""


def decide(meaning: Meaning, scene: TextContext) -> Decision:
    return confirmation.hold_codes(_decide_by_kind(meaning, scene), scene)


def _decide_by_kind(meaning: Meaning, scene: TextContext) -> Decision:
    if not scene.live and scene.telling is None and not scene.unanswered:
        practised = enrolment.decide_enrolment(meaning, scene) if scene.kind in OWN_CHILDREN else None
        if practised is None and (NEWS & set(meaning.intents) or scene.pictures):
            return Decision(answer=Answer.NOT_LIVE)  # nobody else hears of it: a practice must not use the answers up
        return carer.within_limits(practised or Decision(answer=Answer.NOT_LIVE), scene)
    if scene.kind in OWN_CHILDREN:
        return _decide_for_carer(meaning, scene)
    if scene.kind == "officer":
        return carer.within_limits(_stop_texts(meaning, scene) or officer.decide(meaning, scene), scene)
    if scene.kind == "staff":
        confirmed = _stop_texts(meaning, scene) or confirmation.confirm_by_code(meaning, scene)
        return carer.within_limits(confirmed or staff.decide(meaning, scene), scene)
    return carer.within_limits(stranger.decide(meaning, scene), scene)


def _decide_for_carer(meaning: Meaning, scene: TextContext) -> Decision:
    if stopped := _stop_texts(meaning, scene):
        return stopped
    if answered := confirmation.confirm_by_code(meaning, scene) or enrolment.decide_enrolment(meaning, scene):
        return carer.within_limits(answered, scene)
    if scene.telling is None:
        if scene.unanswered and (taken := staff.decide_on_ok(meaning, scene)) is not None:
            return carer.within_limits(taken, scene)
        alone = meaning.intents == (Intent.ACKNOWLEDGE,) and meaning.asks_only
        return Decision(answer=Answer.CODE_UNKNOWN) if alone else carer.decide(meaning, scene)
    if staff.is_told_of(scene.telling, scene):
        return carer.within_limits(staff.decide(meaning, scene), scene)
    return _decide_with_code(scene.telling, meaning, scene)


def _decide_with_code(telling: Telling, meaning: Meaning, scene: TextContext) -> Decision:
    """The text holds the code of a telling that was sent to this number."""
    if staff.leaves_duty(meaning):
        return carer.decide(meaning, scene)
    acknowledged = staff.acknowledge_telling(telling)
    if set(meaning.intents) <= {Intent.ACKNOWLEDGE, Intent.THANKS}:
        return acknowledged
    told = carer.decide(meaning, scene)
    return replace(told, acts=(*told.acts, *acknowledged.acts))


def _stop_texts(meaning: Meaning, scene: TextContext) -> Decision | None:
    """STOP: a person is told and finds another way to reach them, since safeguarding does not end with a text."""
    return escalation.escalate(scene, "opted-out", answer=None) if Intent.STOP in meaning.intents else None
