"""Writes a notice from a duty and what the register knows. Decides nothing but what each wording means to a force."""

from collections.abc import Iterable, Sequence

from services.police.notice import (
    UNKNOWN,
    About,
    Carer,
    Child,
    Known,
    Notice,
    NoticeData,
    NoticeType,
    Placement,
    Risk,
    Said,
    Sender,
)
from services.register.police_notice import ChildFacts, NoticeFacts, PlacementFacts
from services.register.words import Words
from services.safeguarding.duties import Duty
from services.safeguarding.roles import Wording

MEANINGS: dict[Wording, tuple[NoticeType, About]] = {
    Wording.MISSING_NOTICE: (NoticeType.NEW, About.MISSING),
    Wording.MISSING_UPDATE: (NoticeType.UPDATE, About.NEW_INFORMATION),
    Wording.LOCATED_NOTICE: (NoticeType.UPDATE, About.LOCATED),
    Wording.RETURNED_NOTICE: (NoticeType.UPDATE, About.RETURNED),
    Wording.RETURN_WITHDRAWN_NOTICE: (NoticeType.UPDATE, About.RETURN_WITHDRAWN),
    Wording.REPORT_RETRACTED_NOTICE: (NoticeType.CANCEL, About.REPORT_RETRACTED),
    Wording.LURING_SUSPECTED: (NoticeType.NEW, About.LURING_SUSPECTED),
    Wording.LOCATION_ENQUIRY: (NoticeType.NEW, About.LOCATION_ENQUIRY),
}
"""A return updates and does not cancel: police still owe the child a safe and well check."""


def write(duty: Duty, facts: NoticeFacts, words: Sequence[Words], *, exercise: bool) -> Notice:
    """A wording that is not in the table is something asked of the force, which it names."""
    kind, about = MEANINGS.get(duty.wording, (NoticeType.UPDATE, About.REQUEST))
    child = _child(facts.child) if facts.child else None
    placement = _placement(facts.placement)
    sender = Sender(
        authority=facts.authority or duty.authority,
        name=facts.authority_name or UNKNOWN,
        telephone=facts.duty_line or UNKNOWN,
    )
    return Notice(
        type=kind,
        timestamp=duty.created_at,
        data=NoticeData(
            notice=duty.telling,
            episode=duty.episode,
            refers_to=duty.refers_to,
            about=about,
            request=str(duty.wording) if about is About.REQUEST else None,
            exercise=exercise,
            sender=sender,
            child=child,
            candidates=tuple(_child(each) for each in facts.candidates),
            placement=placement,
            risk=Risk(raised=duty.raised_risk),
            said=tuple(Said(words=each.text, at=each.at) for each in words),
            gaps=tuple(_gaps(sender, child, placement)),
        ),
    )


def _child(facts: ChildFacts) -> Child:
    return Child(
        name=facts.name or UNKNOWN,
        known_as=facts.known_as,
        date_of_birth=facts.date_of_birth.isoformat() if facts.date_of_birth else UNKNOWN,
        age_disputed=_known(facts.age_disputed),
        sex=facts.sex or UNKNOWN,
        language=facts.language or UNKNOWN,
        description=facts.description or UNKNOWN,
        unaccompanied=_known(facts.unaccompanied),
        modern_slavery_concern=_known(facts.modern_slavery_concern),
        subject_to_immigration_control=_known(facts.subject_to_immigration_control),
        guardian_allocated=_known(facts.guardian_allocated),
        in_care_since=facts.entered_care_at.isoformat() if facts.entered_care_at else UNKNOWN,
    )


def _placement(facts: PlacementFacts | None) -> Placement:
    if facts is None:
        return Placement()
    return Placement(
        kind=facts.kind,
        address=facts.address or UNKNOWN,
        carers=tuple(Carer(name=each.name or UNKNOWN, telephone=each.mobile or UNKNOWN) for each in facts.carers),
        host_authority=facts.host_authority or UNKNOWN,
    )


def _known(flag: bool | None) -> Known:  # noqa: FBT001 the one thing it is about
    if flag is None:
        return UNKNOWN
    return "yes" if flag else "no"


def _gaps(sender: Sender, child: Child | None, placement: Placement) -> Iterable[str]:
    if child is None:
        yield "child"
    for name, part in (("sender", sender), ("child", child), ("placement", placement)):
        if part is not None:
            yield from (f"{name}.{field}" for field, value in part if value == UNKNOWN)
    if not placement.carers:
        yield "placement.carers"
