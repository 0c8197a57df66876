"""Writes a notice in plain words for a reader, section by section. Pure.

A force without an API gets an email that names nobody, with a link to the notice.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from services.platform.delivery.channels import email
from services.platform.delivery.channels.channel import MAIL_TO, ChannelSender, SendRequest, SendResult
from services.platform.delivery.links import Links, Purpose
from services.platform.delivery.model import MediumName
from services.platform.register.directory import format_number
from services.police.notices.schema import IN_DETAILS, NONE, UNKNOWN, About, Child, Notice, NoticeData, Report
from services.safeguarding.identifiers import case_name, in_words
from services.safeguarding.notice_fields import NAMED
from services.wording import day_and_time, read_words

WORDS = read_words(Path(__file__).with_suffix(".yaml"))
LABELS = WORDS["labels"] | {name: each.says.notice for name, each in NAMED.items()}
OVER = (About.RETURNED, About.REPORT_RETRACTED)
"""Nobody is searched for: there is no risk to grade."""
INTERPRETER = """An interpreter is needed: trained, and with no link to whoever the child was with. The authority helps to \
find one."""
TIMES = ("obtained_at", "last_seen_at", "in_care_since")
DAYS = ("date_of_birth", "claimed_date_of_birth", "last_episode")

Section = tuple[str, tuple[str, ...]]


def sections(notice: Notice) -> tuple[Section, ...]:
    """The sections that have lines, in order."""
    return tuple(each for each in _sections(notice.data) if each[1])


def fields_of(notice: Notice) -> tuple[str, ...]:
    """Names of the personal fields in this notice."""
    data = notice.data
    read = [] if data.child is None else [f"child.{name}" for name in _known_fields(data.child)]
    read += ["candidates"] if data.candidates else []
    read += ["placement.address"] if data.placement.address != UNKNOWN else []
    read += ["placement.carers"] if data.placement.carers else []
    read += ["report"] if _known_fields(data.report) else []
    read += ["words"] if data.said else []
    return tuple(read)


def headline(data: NoticeData) -> str:
    """The event, as a sentence without its full stop."""
    return str(WORDS["happened"][data.about]).removesuffix(".")


def _sections(data: NoticeData) -> Iterator[Section]:
    if data.same_child is not None:
        yield (
            "One child, not two",
            (
                "Two notices that you had turned out to be about one child. Search for one child.",
                f"From now on both are {name_of(data)}.",
            ),
        )
    yield "What is asked", (data.request.replace("-", " ").capitalize(),) if data.request else ()
    if data.about is About.CONNECTION:
        return
    yield (
        "Who answers you, at any hour",
        (f"{data.sender.name}: {format_number(data.sender.telephone)}", our_name(data)),
    )
    if data.about is About.RETURNED:
        yield "The absence", _absence(data)
        yield "The check", (INTERPRETER,) if data.interpreter_needed == "yes" else ()
    if data.about not in OVER:
        raised = ("Raised: first days of care, or known to be at higher risk.",) if data.risk.raised else ()
        yield "Risk", (f"Presumed {data.risk.presumed} until you grade it.", *raised)
    if data.child is not None:
        yield "The child", (*_known_lines(data.child), *_unknown_line(data.child))
    for number, each in enumerate(data.candidates, start=1):
        yield f"It may be this child ({number})", (*_known_lines(each), *_unknown_line(each))
    if data.about is About.MISSING:
        yield "The report", (*_known_lines(data.report), *_unknown_line(data.report))
    elif data.about is About.NEW_INFORMATION:
        yield "What is new", _known_lines(data.report)
    if data.plan is not None:
        day = "" if data.plan.due_on is None else f", by {data.plan.due_on:%a %d %b %Y}"
        yield "Who does it", (f"{_role(data.plan.owner)}{day}",)
    yield "What was said", tuple(f"{day_and_time(each.at)}: {each.words}" for each in data.said)
    carers = tuple(f"Carer: {each.name}, {format_number(each.telephone)}" for each in data.placement.carers)
    kind = f"{data.placement.kind.capitalize()} placement"
    as_of = data.placement.address_as_of
    address = data.placement.address + ("" if as_of is None else f" (address as of {day_and_time(as_of)})")
    where = (f"{kind}: {address}", f"Host authority: {in_words(data.placement.host_authority)}")
    yield "Where the child is placed", (*where, *carers)
    yield "Not sent, by agreement with your force", tuple(label(each.rpartition(".")[2]) for each in data.not_agreed)


def _absence(data: NoticeData) -> tuple[str, ...]:
    """Both its beginning and its end, since the force may never have had the first notice."""
    since, until = data.missing_since, data.returned_at
    begun = (
        "When this was sent, nobody had reported the child missing to us."
        if since is None
        else f"Reported missing: {day_and_time(since)}"
    )
    return (begun,) if until is None else (begun, f"Back since: {day_and_time(until)}")


def _role(name: str) -> str:
    return name.replace(".", " ").replace("-", " ")


def basis_of(data: NoticeData) -> str:
    """Why it may be shared, and who judged so, where an agreement says."""
    basis, agreed = f"{data.sharing_basis}.", data.sharing_agreement
    if agreed is None:
        return basis
    return f"{basis} Judged by {data.sender.name}: agreement {agreed.reference}, since {agreed.since:%d %b %Y}."


def our_name(data: NoticeData) -> str:
    """The name that both sides use on the telephone."""
    return f"Safe Return's reference: {name_of(data)}"


def our_name_of_case(data: NoticeData) -> str:
    """The same without the child's code, for a page that shows nothing of the child."""
    return f"Safe Return's reference: {case_name(None, data.episode or data.notice)}"


def name_of(data: NoticeData) -> str:
    """The same as on the authority's texts, mails and pages. A notice from before has no child's code in it."""
    return data.reference or case_name(None, data.episode or data.notice)


def _known_lines(part: Child | Report) -> tuple[str, ...]:
    return tuple(f"{label(name)}: {_in_words(name, value)}" for name, value in part if name in _known_fields(part))


def _in_words(name: str, value: str | tuple[str, ...]) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    if name in TIMES:
        return day_and_time(datetime.fromisoformat(value))
    if name in DAYS and value != NONE:
        return f"{date.fromisoformat(value):%d %b %Y}"
    if name in SPOKEN:
        return SPOKEN[name](value)
    return "behind the link below" if value == IN_DETAILS else value


def _language(code: str) -> str:
    """A variant that has no name of its own is named after its language, with the code behind."""
    names, language = WORDS["languages"], code.partition("-")[0]
    if code in names or language not in names:
        return str(names.get(code, code))
    return f"{names[language]} ({code})"


SPOKEN: Mapping[str, Callable[[str], str]] = {
    "reporter_telephone": format_number,
    "reporter_role": _role,
    "language": _language,
}


def _unknown_line(part: Child | Report) -> tuple[str, ...]:
    unknown = "; ".join(lower_first(label(name)) for name, value in part if value == UNKNOWN)
    return (f"Not known: {unknown}.",) if unknown else ()


def _known_fields(part: Child | Report) -> tuple[str, ...]:
    return tuple(name for name, value in part if value not in (UNKNOWN, "", ()))


def label(name: str) -> str:
    return str(LABELS.get(name) or name.replace("_", " ").capitalize())


def lower_first(words: str) -> str:
    """Lowers the first letter, unless the words begin with an abbreviation."""
    return words if words[:2].isupper() else words[:1].lower() + words[1:]


class NoticeEmail:
    """Writes the email from the notice, the same at each attempt, and hands it to the relay."""

    name: MediumName = "email"

    def __init__(self, relay: ChannelSender, links: Links, sender: str) -> None:
        self._relay, self._links, self._sender = relay, links, sender
        self.start, self.stop = relay.start, relay.stop

    async def send(self, sending: SendRequest) -> SendResult:
        address = sending.recipient.removeprefix(MAIL_TO)
        return await self._relay.send(replace(sending, recipient=address, body=self._email(sending, address)))

    def _email(self, sending: SendRequest, address: str) -> str:
        notice = Notice.model_validate_json(sending.body)
        link = self._links.url(Purpose.NOTICE, sending.id, sending.created_at)
        return email.build_email(
            build_content(notice, link),
            delivery=sending.id,
            sender=self._sender,
            recipient=address,
            at=sending.created_at,
        )


def build_content(notice: Notice, link: str) -> email.EmailContent:
    data = notice.data
    mark = "EXERCISE. " if data.exercise else ""
    return email.EmailContent(
        subject=f"{mark}{_subject(data.about)} ({name_of(data)})",
        paragraphs=(
            f"{mark}{data.handling}. {data.sender.name} has a notice for your control room. {subject_of(data.about)}.",
            "Until an officer has said that they have it, the authority may ring you.",
            f"The authority answers at any hour: {format_number(data.sender.telephone)}.",
        ),
        button="Open the notice",
        link=link,
        small=(
            "This email names nobody. Its link works for fourteen days, and longer while a child is searched for. A code, sent to your control room's number, opens the notice. Each reading is recorded.",
            "Replying does not acknowledge. Use the link, or ring.",
        ),
    )


def subject_of(about: About) -> str:
    """What a mail, or a page before its code, says of the notice."""
    return _subject(about).partition(":")[0]


def _subject(about: About) -> str:
    subjects: dict[str, str] = WORDS["subjects"]
    return subjects.get(about, subjects["otherwise"])
