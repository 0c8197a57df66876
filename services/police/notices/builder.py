"""Builds a notice from a duty and the register's facts. Decides only what each wording means to a force.

It is redacted to the fields that its authority has agreed to send the force.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.platform.register.organisations import NOT_AGREED, Sharing
from services.platform.register.police_notice import ChildFacts, NoticeFacts, PlacementFacts, Reporter
from services.platform.register.words import Words
from services.police.notices import schema
from services.police.policy import MEANINGS, EarlierEpisodes
from services.safeguarding.duty.duties import Duty, PoliceNotify
from services.safeguarding.identifiers import case_name
from services.safeguarding.notice_fields import LONG, PROFILE, NoticeField
from services.safeguarding.working_time import day_in_england, in_first_hours


def redact_to_agreement(notice: schema.Notice, agreed: AbstractSet[str]) -> str:
    """The body, as JSON. Every force gets the frame, the risk and the call-back."""
    left_out = tuple(sorted(each for each in NoticeField if each not in agreed))
    if not left_out:
        return notice.model_dump_json()
    data = notice.data
    details = data.details
    if details is not None:
        holds = tuple(each for each in details.holds if each not in left_out)
        details = details.model_copy(update={"holds": holds}) if holds else None
    gaps = tuple(each for each in data.gaps if not {each, each.partition(".")[0]} & {*left_out})
    needed = schema.UNKNOWN if "child.language" in left_out else data.interpreter_needed
    said = {"details": details, "gaps": gaps, "not_agreed": left_out, "interpreter_needed": needed}
    kept = data.model_copy(update=said)
    return notice.model_copy(update={"data": kept}).model_dump_json(exclude={"data": _excluded(left_out)})


def disclosed_fields(fields: tuple[str, ...], agreed: AbstractSet[str]) -> tuple[str, ...]:
    """Those of `fields`, which were read from the register, that the force is told."""
    return tuple(each for each in fields if each in agreed or (each == "words" and "said" in agreed))


def _excluded(left_out: tuple[str, ...]) -> dict[str, Any]:
    excluded: dict[str, Any] = {}
    for field in left_out:
        part, _, name = field.partition(".")
        if part == "photograph":
            continue
        if field == "placement.address":
            excluded.setdefault(part, {})["address_as_of"] = True
        if name:
            excluded.setdefault(part, {})[name] = True
        else:
            excluded[part] = True
    if "child" in excluded and excluded.get("candidates") is not True:
        excluded["candidates"] = {"__all__": excluded["child"]}
    return excluded


MEANT = {
    wording: (schema.NoticeType(f"missing-notice.{each['type']}"), schema.About(each["about"]))
    for wording, each in MEANINGS.items()
}
MOST_LETTERS = 300
"""A longer text goes behind the details' link."""
REPORTS = (schema.About.MISSING, schema.About.NEW_INFORMATION)
"""Notices with a report of how the child went missing."""


@dataclass(frozen=True, slots=True)
class NoticeContext:
    """The parts of a notice that come neither from the duty nor from the register's facts.

    `earlier` is None while nobody knows which child it is. `link`: the URL of the details, and until when it opens.
    """

    words: Sequence[Words] = ()
    reporter: Reporter | None = None
    earlier: EarlierEpisodes | None = None
    link: tuple[str, datetime] | None = None
    sharing: Sharing | None = None


def build_notice(
    notice: UUID, duty: Duty, facts: NoticeFacts, context: NoticeContext, *, exercise: bool
) -> schema.Notice:
    """`notice` is the delivery's id: a new one where a duty's notice is sent again. A wording that is not in
    `meanings.yaml` is a request to the force, and names it.
    """
    kind, about = MEANT.get(duty.wording, (schema.NoticeType.UPDATE, schema.About.REQUEST))
    child = _child(facts.child) if facts.child else None
    details = _details(facts.child, context) if facts.child else None
    sharing = context.sharing or NOT_AGREED
    placement = _placement(facts.placement)
    report = _report(duty, about, facts.child, context) if about in REPORTS else schema.Report()
    sender = schema.Sender(
        authority=facts.authority or duty.authority,
        name=facts.authority_name or schema.UNKNOWN,
        telephone=facts.duty_line or schema.UNKNOWN,
    )
    gaps = [*_gaps(sender, child, placement)]
    if facts.child is not None and not facts.child.has_photograph:
        gaps.append("photograph")
    if about is schema.About.MISSING:
        gaps += [f"report.{name}" for name, value in report if value == schema.UNKNOWN]
    return schema.Notice(
        type=kind,
        timestamp=duty.created_at,
        data=schema.NoticeData(
            notice=notice,
            episode=duty.episode,
            refers_to=duty.refers_to,
            reference=case_name(facts.child.code if facts.child else None, duty.episode or notice),
            same_child=duty.same_child if isinstance(duty, PoliceNotify) else None,
            about=about,
            request=str(duty.wording) if about is schema.About.REQUEST else None,
            exercise=exercise,
            sharing_basis=sharing.basis or schema.SHARING_BASIS,
            sharing_agreement=_agreement(sharing),
            sender=sender,
            child=child,
            candidates=tuple(_child(each) for each in facts.candidates),
            interpreter_needed=_interpreter_needed(facts.child),
            placement=placement,
            risk=schema.Risk(raised=duty.raised_risk),
            missing_since=duty.missing_since if isinstance(duty, PoliceNotify) else None,
            returned_at=duty.returned_at if isinstance(duty, PoliceNotify) else None,
            report=report,
            said=tuple(schema.Said(words=each.text, at=each.at) for each in context.words if each.answers is None),
            plan=_plan(duty),
            details=details,
            gaps=tuple(gaps),
        ),
    )


def _agreement(sharing: Sharing) -> schema.Agreement | None:
    if sharing.reference is None or sharing.since is None:
        return None
    return schema.Agreement(reference=sharing.reference, since=sharing.since)


def _interpreter_needed(child: ChildFacts | None) -> schema.Known:
    if child is None or child.language is None:
        return schema.UNKNOWN
    return "no" if child.language.casefold() in {"english", "en"} else "yes"


def _plan(duty: Duty) -> schema.PlanStep | None:
    if not isinstance(duty, PoliceNotify) or duty.plan_owner is None:
        return None
    return schema.PlanStep(owner=duty.plan_owner, due_on=duty.due_on)


def connection_test(notice: UUID, at: datetime) -> schema.Notice:
    """A notice about nobody."""
    data = schema.NoticeData(
        notice=notice,
        episode=None,
        refers_to=None,
        about=schema.About.CONNECTION,
        exercise=True,
        sender=schema.Sender(),
        child=None,
        placement=schema.Placement(),
        risk=schema.Risk(),
        gaps=(),
    )
    return schema.Notice(type=schema.NoticeType.TEST, timestamp=at, data=data)


def is_long(name: str, told: str | None) -> bool:
    """Whether a field of a child goes behind the link."""
    return told is not None and name in LONG and len(told) > MOST_LETTERS


def text_of(facts: ChildFacts, name: str) -> str | None:
    """A field of a child's description or profile."""
    return facts.description if name == "description" else facts.profile.get(name)


def _child(facts: ChildFacts) -> schema.Child:
    told = {name: _told(getattr(facts, name)) for name in schema.Child.model_fields.keys() & set(ChildFacts.__slots__)}
    told |= {name: _short(facts, name) for name in ("description", *PROFILE)}
    return schema.Child(**told | {"known_as": facts.known_as, "in_care_since": _told(facts.entered_care_at)})


def _told(value: str | bool | date | None) -> Any:  # noqa: FBT001 any fact
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if isinstance(value, date) else value or schema.UNKNOWN


def _short(facts: ChildFacts, name: str) -> str:
    told = text_of(facts, name)
    return schema.IN_DETAILS if is_long(name, told) else told or schema.UNKNOWN


def _details(facts: ChildFacts, context: NoticeContext) -> schema.Details | None:
    holds = [f"child.{name}" for name in LONG if is_long(name, text_of(facts, name))]
    holds += ["photograph"] if facts.has_photograph else []
    if not holds or context.link is None:
        return None
    url, expires_at = context.link
    return schema.Details(
        url=url, expires_at=expires_at, holds=tuple(holds), photograph_taken_on=_told(facts.photograph_taken_on)
    )


def _report(duty: Duty, about: schema.About, child: ChildFacts | None, context: NoticeContext) -> schema.Report:
    answers = _answers(context.words)
    by = context.reporter or Reporter(None, None)
    told = {
        "obtained_at": _told(min((each.at for each in context.words), default=None)),
        "reporter": _told(by.name),
        "reporter_role": _told(by.role),
        "reporter_telephone": _told(by.telephone),
        "last_seen_at": _told(duty.last_seen_at),
    }
    return schema.Report(**(told | answers | (_earlier(duty, child, context) if about is schema.About.MISSING else {})))


def _answers(words: Sequence[Words]) -> dict[str, str]:
    """Several answers to one question are joined in the order in which they were given."""
    answers: dict[str, list[str]] = {}
    for each in words:
        if each.answers is not None:
            answers.setdefault(each.answers, []).append(each.text)
    return {question: "; ".join(told) for question, told in answers.items()}


def _earlier(duty: Duty, child: ChildFacts | None, context: NoticeContext) -> dict[str, str]:
    entered, earlier = child.entered_care_at if child else None, context.earlier
    told = {"first_72_hours": _told(None if entered is None else in_first_hours(entered, duty.created_at))}
    if earlier is None:
        return told
    last = None if earlier.last_told_at is None else day_in_england(earlier.last_told_at)
    return told | {
        "earlier_episodes": str(earlier.number),
        "last_episode": schema.NONE if last is None else last.isoformat(),
    }


def _placement(facts: PlacementFacts | None) -> schema.Placement:
    if facts is None:
        return schema.Placement()
    return schema.Placement(
        kind=facts.kind,
        address=facts.address or schema.UNKNOWN,
        address_as_of=None if facts.address is None else facts.as_of,
        carers=tuple(
            schema.Carer(name=each.name or schema.UNKNOWN, telephone=each.mobile or schema.UNKNOWN)
            for each in facts.carers
        ),
        host_authority=facts.host_authority or schema.UNKNOWN,
    )


def _gaps(sender: schema.Sender, child: schema.Child | None, placement: schema.Placement) -> Iterable[str]:
    if child is None:
        yield "child"
    for name, part in (("sender", sender), ("child", child), ("placement", placement)):
        if part is not None:
            yield from (f"{name}.{field}" for field, value in part if value == schema.UNKNOWN)
    if not placement.carers:
        yield "placement.carers"
