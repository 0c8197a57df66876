"""A notice in words for a person's eyes, section by section. Pure."""

from collections.abc import Iterator

from services.police.notice import UNKNOWN, About, Child, Notice, NoticeData, Report

HAPPENED = {
    About.MISSING: "A child in care is missing.",
    About.NEW_INFORMATION: "There is new information on a missing child.",
    About.LOCATED: "The child's whereabouts are known. The child is NOT back.",
    About.RETURNED: "The child is back. A safe and well check by police is due.",
    About.RETURN_WITHDRAWN: "The child was said to be back. That was a mistake: the child is missing.",
    About.REPORT_RETRACTED: "The report that this child is missing is withdrawn.",
    About.LURING_SUSPECTED: "There is a concern that a child is being lured or exploited.",
    About.LOCATION_ENQUIRY: "Somebody asked where a child is, and was told nothing.",
    About.CONNECTION: "This is a test of the connection. It is about nobody.",
}

Section = tuple[str, tuple[str, ...]]


def sections(notice: Notice) -> tuple[Section, ...]:
    """Fields that the force has not agreed to be sent are not in the notice, and not here."""
    return tuple(each for each in _sections(notice.data) if each[1])


def fields_of(notice: Notice) -> tuple[str, ...]:
    """Names of the personal fields that a reader of this notice reads."""
    data = notice.data
    child = () if data.child is None else _told(data.child)
    read = [f"child.{name}" for name in child]
    read += ["candidates"] if data.candidates else []
    read += ["placement.address"] if data.placement.address != UNKNOWN else []
    read += ["placement.carers"] if data.placement.carers else []
    read += ["report"] if _told(data.report) else []
    return (*read, *(["words"] if data.said else []))


def _sections(data: NoticeData) -> Iterator[Section]:
    what = HAPPENED.get(data.about, "Something is asked of you about a child in care.")
    raised = ("Raised: in the first days of care, or watched.",) if data.risk.raised else ()
    yield "What has happened", (what, *((f"Asked: {data.request}.",) if data.request else ()))
    if data.about is About.CONNECTION:
        return
    yield "Risk", (f"Presumed {data.risk.presumed} until you grade it.", *raised)
    if data.child is not None:
        yield "The child", _child(data.child)
    for number, each in enumerate(data.candidates, start=1):
        yield f"It may be this child ({number})", _child(each)
    if data.about is About.MISSING:
        yield "The report", (*_known(data.report), *_not_known(data.report))
    elif data.about is About.NEW_INFORMATION:
        yield "What is new", _known(data.report)
    yield "What was said", tuple(f"{each.at:%d %b %Y %H:%M} UTC: {each.words}" for each in data.said)
    carers = tuple(f"Carer: {each.name}, {each.telephone}" for each in data.placement.carers)
    where = (f"{data.placement.kind}: {data.placement.address}", f"Host authority: {data.placement.host_authority}")
    yield "Where the child is placed", (*where, *carers)
    yield "Not sent, by agreement with your force", tuple(data.not_agreed)


def _child(child: Child) -> tuple[str, ...]:
    also = (f"Known as: {', '.join(child.known_as)}",) if child.known_as else ()
    return (*_known(child), *also, *_not_known(child))


def _known(part: Child | Report) -> tuple[str, ...]:
    return tuple(f"{_label(name)}: {value}" for name, value in part if name in _told(part) and name != "known_as")


def _not_known(part: Child | Report) -> tuple[str, ...]:
    unknown = ", ".join(_label(name).lower() for name, value in part if value == UNKNOWN)
    return (f"Not known: {unknown}.",) if unknown else ()


def _told(part: Child | Report) -> tuple[str, ...]:
    return tuple(name for name, value in part if value not in (UNKNOWN, ()))


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()
