"""Shows a notice to an officer of a force without an API, and takes the same acknowledgement as the API.

The child's photograph and long descriptions, which do not fit into a notice, have a page of their own; each opening
is recorded.
"""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from pydantic import ValidationError

from services.platform.delivery.links.pages import Button, Choice, Field, Form, Group, Sheet
from services.platform.delivery.model import State
from services.platform.delivery.queue import repository as deliveries
from services.platform.register.directory import format_number
from services.platform.register.police_notice import ChildFacts, Photograph, facts_for_notice, photograph_of
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.police import store
from services.police.notices.builder import text_of
from services.police.notices.wording import (
    WORDS,
    basis_of,
    fields_of,
    headline,
    label,
    lower_first,
    our_name_of_case,
    sections,
    subject_of,
)
from services.police.replies import Officer, Reply, ReplyData, ReplyService, ReplyType
from services.police.web.linked_notice import LinkedNotice, ReadingCodes, is_closed, is_superseded, load, record_reading
from services.safeguarding.child_events.events import ReferenceKind, RiskGrade
from services.safeguarding.identifiers import WordsId, derived
from services.wording import day_and_time

READ, HAVE_IT, RING, TEXT = "read", "have-it", "ring", "text"
AGAIN = ""
"""The email's link was followed: where a code has opened the notice, it is open for its hour."""
FAULTS: dict[str, str] = WORDS["faults"]
SAYS: dict[str, str] = WORDS["page"]
ASKED: dict[str, str] = WORDS["asked"]
SHEETS = {name: Sheet(title, (says,)) for name, (title, says) in WORDS["sheets"].items()}
NEEDED = ("name", "collar")
MOST_LETTERS = 120
TOO_LONG = FAULTS["too_long"].format(most=MOST_LETTERS)


@dataclass(frozen=True)
class NoticePage:
    """The link alone shows what the mail showed: a mailbox proves little, and mail scanners open links. A code opens
    the notice. Without one an officer can say that they have it: that ends nothing.
    """

    store: Store
    clocks: Clocks
    keyring: Keyring
    codes: ReadingCodes

    async def answer(self, delivery: UUID, form: Form) -> Sheet | None:
        async with self.store.transaction(delivery) as uow:
            found = await load(uow, self.keyring, delivery)
            if found is None or found.state is State.WITHDRAWN:
                return None if found is None else SHEETS["withdrawn"]
            found = replace(found, recorded=await self._recorded(uow, found))
            superseded = await is_superseded(uow, found)
            reader = await self.codes.reader(uow, delivery, form)
            if form.answer == HAVE_IT:
                return await self._acknowledge(uow, found, form, superseded=superseded, read=reader is not None)
            if superseded:
                return _superseded_sheet(found, Form(""), {})
            if form.answer not in {RING, TEXT} or _unnamed(form):
                is_used_up = reader is None and await self.codes.is_used_up(uow, delivery, form)
                return _read(uow, found, form, reader, FAULTS["used_up"] if is_used_up else FAULTS["wrong_code"])
            issued = await self.codes.issue(uow, found, f"{form.one('name')}, {form.one('collar')}")
        if issued is None or not await self.codes.send(found, issued, by_voice=form.answer == RING):
            return _cover_sheet(found, form, {"code": _of_sender(found, "no-code")})
        return _code_sheet(found, form, browser=issued.browser)

    async def _recorded(self, uow: UnitOfWork, found: LinkedNotice) -> str:
        if found.is_unanswered:
            return found.recorded
        answered = await uow.fetch(store.answered_on_page(found.delivery.id))
        if answered is None:
            return SAYS["had"]
        at, is_opened = answered
        how = SAYS["opened" if is_opened else "unopened"]
        return SAYS["had-on-page"].format(at=day_and_time(at + self.clocks.offset), how=how)

    async def _acknowledge(
        self, uow: UnitOfWork, found: LinkedNotice, form: Form, *, superseded: bool, read: bool
    ) -> Sheet:
        """A superseded notice takes only a reference. An officer already filling in the form is still recorded."""
        first = found.is_unanswered and (not superseded or bool(form.one("name") or form.one("collar")))
        wrong = _unnamed(form) if first else {}
        if not (read or superseded) and (form.one("grade") or form.one("closed")):
            wrong["code"] = FAULTS["needs_code"]
        if superseded and not first and not form.one("reference") and not form.one("closed"):
            wrong["reference"] = FAULTS["reference"]
        wrong |= {name: TOO_LONG for name in ("name", "collar", "reference") if len(form.one(name)) > MOST_LETTERS}
        if not wrong:
            try:
                replies = _replies(found, form, self.clocks.wall(), first=first)
            except ValidationError as error:
                wrong = {_form_field(each["loc"]): FAULTS["one_line"] for each in error.errors(include_input=False)}
            else:
                await self._take(uow, found, replies, unread=not read)
                return _thanks_sheet(found) if replies else _held_sheet(found)
        if superseded:
            return _superseded_sheet(found, form, wrong)
        return _notice_sheet(found, form, wrong) if read else _cover_sheet(found, form, wrong)

    async def _take(self, uow: UnitOfWork, found: LinkedNotice, replies: list[Reply], *, unread: bool) -> None:
        delivery = found.delivery
        if delivery.duty is None:
            await deliveries.end(uow, delivery.id, State.ACKNOWLEDGED, self.clocks.wall())  # of a connection test
            return
        at, now = self.clocks.story(), self.clocks.wall()
        if not replies:
            return
        number = await uow.fetch(store.answer_on_page(delivery.id, _hash_of(replies, at), now, unread=unread))
        if number is None:
            return
        for reply in replies:
            name = f"page-{derived('page', str(delivery.id), number, reply.type)}"
            service = ReplyService(self.keyring, uow, name, delivery, delivery.duty, at, now, how="page", unread=unread)
            await service.take(reply)


def _read(uow: UnitOfWork, found: LinkedNotice, form: Form, reader: WordsId | None, wrong: str) -> Sheet:
    if form.answer in {READ, AGAIN} and reader is not None:
        record_reading(uow, found, "notice-page", fields_of(found.notice), reader)
        return _notice_sheet(found, form, {})
    if form.answer == READ and form.one("code"):
        return _code_sheet(found, form, wrong=wrong)
    return _cover_sheet(found, form, _unnamed(form) if form.answer in {RING, TEXT} else {})


def _unnamed(form: Form) -> dict[str, str]:
    wrong = {name: FAULTS["one_line"] for name in NEEDED if not form.one(name).isprintable()}
    wrong |= {name: TOO_LONG for name in NEEDED if len(form.one(name)) > MOST_LETTERS}
    return wrong | {name: FAULTS[name] for name in NEEDED if not form.one(name)}


def _of_sender(found: LinkedNotice, sentence: str) -> str:
    sender = found.notice.data.sender
    return SAYS[sentence].format(name=sender.name, telephone=format_number(sender.telephone))


def _form_field(place: tuple[int | str, ...]) -> str:
    """The form's field for a field of a reply."""
    return {"name": "name", "collar_number": "collar"}.get(str(place[-1]), "reference")


def _hash_of(replies: list[Reply], now: datetime) -> bytes:
    """The same said on another day is another answer. Sent twice, the first "I have it" reads as a later reference."""
    said = "".join(each.data.model_dump_json() for each in replies)
    return hashlib.sha256(f"{now:%Y-%m-%d}{said}".encode()).digest()


def _replies(found: LinkedNotice, form: Form, now: datetime, *, first: bool) -> list[Reply]:
    """The first names the officer; a later one may give the reference and the grade. Closing is a reply of its own."""
    name, kind, grade = form.one("name"), form.one("kind"), form.one("grade")
    about = {"notice": found.delivery.id, "episode": found.notice.data.episode}
    data = ReplyData(
        **about,
        officer=Officer(name=name, collar_number=form.one("collar")) if name else None,
        reference=form.one("reference") or None,
        reference_kind=ReferenceKind(kind) if kind in set(ReferenceKind) else ReferenceKind.INCIDENT,
        grade=RiskGrade(grade) if grade in set(RiskGrade) else None,
    )
    of_type = {
        ReplyType.ACKNOWLEDGED: first,
        ReplyType.REFERENCE_GIVEN: not first and data.reference is not None,
        ReplyType.RISK_GRADED: not first and data.reference is None and data.grade is not None,
    }
    replies = [Reply(type=each, timestamp=now, data=data) for each, is_said in of_type.items() if is_said]
    closed = Reply(type=ReplyType.CLOSED, timestamp=now, data=ReplyData(**about))
    return [*replies, *([closed] if form.one("closed") else [])]


def _cover_sheet(found: LinkedNotice, form: Form, wrong: dict[str, str]) -> Sheet:
    """What the mail showed."""
    faults = _faults(wrong, "no-code-yet" if form.answer in {RING, TEXT} else "not-yet")
    subject = f"{subject_of(found.notice.data.about)}."
    return Sheet(
        SAYS["cover"],
        (*faults, *_mark(found), subject, found.recorded, SAYS["opens"], _of_sender(found, "answers")),
        (Button(RING, SAYS["ring"]), Button(TEXT, SAYS["text"], quiet=True), replace(_answer(found), quiet=True)),
        asks=(
            Group(_who(form, wrong), SAYS["who-you-are"]),
            Group(_reference(form, wrong, first=found.is_unanswered), SAYS["your-reference"]),
        ),
    )


def _code_sheet(found: LinkedNotice, form: Form, *, browser: str = "", wrong: str = "") -> Sheet:
    code = Field("code", ASKED["code"], "line", wrong=wrong)
    return Sheet(
        SAYS["code"],
        (*_mark(found), SAYS["code-goes"]),
        (Button(READ, SAYS["read"]), Button(RING, SAYS["ring-again"], quiet=True)),
        asks=(Group((code, *_who(form, {}))),),
        browser=browser,
    )


def _answer(found: LinkedNotice) -> Button:
    return Button(HAVE_IT, SAYS["have-it" if found.is_unanswered else "record"])


def _mark(found: LinkedNotice) -> tuple[str, ...]:
    return (SAYS["exercise"],) if found.notice.data.exercise else ()


def _faults(wrong: Mapping[str, str], lead: str = "not-yet", *also: str) -> tuple[str, ...]:
    return (" ".join((f"{SAYS[lead]}.", *wrong.values(), *also)),) if wrong else ()


def _notice_sheet(found: LinkedNotice, form: Form, wrong: dict[str, str]) -> Sheet:
    data = found.notice.data
    asks = SAYS["asks"] if found.is_unanswered else found.recorded
    said = (*_faults(wrong, "not-yet", SAYS["faults-below"]), *_mark(found), f"{data.handling}. {basis_of(data)}", asks)
    return Sheet(
        headline(data),
        said,
        (_answer(found),),
        sections=sections(found.notice),
        asks=(_questions(form, wrong, first=found.is_unanswered),),
        links=() if data.details is None else ((_link_text(data.details.holds), data.details.url),),
    )


def _superseded_sheet(found: LinkedNotice, form: Form, wrong: dict[str, str]) -> Sheet:
    """Shows nothing of the child, since the search is over: our name for the notice, and a field for the reference."""
    said = SAYS["said"].format(headline=headline(found.notice.data))
    return Sheet(
        SAYS["over"],
        (*_faults(wrong), *_mark(found), said, SAYS["superseded"], our_name_of_case(found.notice.data)),
        (Button(HAVE_IT, SAYS["record"]),),
        asks=(_questions(form, wrong, first=bool(wrong.keys() & set(NEEDED))),),
    )


def _link_text(holds: tuple[str, ...]) -> str:
    """Names the fields behind the link."""
    return SAYS["link"].format(fields=", ".join(lower_first(label(each.rpartition(".")[2])) for each in holds))


def _questions(form: Form, wrong: Mapping[str, str], *, first: bool) -> Group:
    """Asks for the officer once; for the reference also later."""
    closed = Choice("yes", ASKED["closed-yes"], chosen=bool(form.one("closed")))
    grade = _list(form, "grade", WORDS["grades"], ASKED["grade-hint"])
    rest = (*_reference(form, wrong, first=first), grade, Field("closed", ASKED["closed"], "any-of", choices=(closed,)))
    return Group((*_who(form, wrong), *rest) if first else rest, SAYS["who-has-it" if first else "later"])


def _who(form: Form, wrong: Mapping[str, str]) -> tuple[Field, ...]:
    return tuple(_line(form, wrong, name) for name in NEEDED)


def _reference(form: Form, wrong: Mapping[str, str], *, first: bool) -> tuple[Field, ...]:
    hint = SAYS["may-follow"] if first else ""
    return _line(form, wrong, "reference", hint), _list(form, "kind", WORDS["reference_kinds"])


def _line(form: Form, wrong: Mapping[str, str], name: str, hint: str = "") -> Field:
    return Field(name, ASKED[name], "line", form.one(name), hint, wrong=wrong.get(name, ""))


def _list(form: Form, name: str, choices: Mapping[str, str], hint: str = "") -> Field:
    offered = tuple(Choice(value, says, chosen=form.one(name) == value) for value, says in choices.items())
    return Field(name, ASKED[name], "list", hint=hint, choices=offered)


def _held_sheet(found: LinkedNotice) -> Sheet:
    """To a second officer, whose page is from before the first had it: nobody must believe that they were recorded."""
    said = (found.recorded, SAYS["nothing-new"], _of_sender(found, "held-ring"))
    return Sheet(SAYS["held"], said, (Button(READ, SAYS["read-again"], quiet=True),))


def _thanks_sheet(found: LinkedNotice) -> Sheet:
    said = (SAYS["add-later"], _of_sender(found, "answers"))
    return Sheet(SAYS["thanks"], said, (Button(READ, SAYS["read-again-or-add"], quiet=True),), done=True)


OPEN = "open"


@dataclass(frozen=True)
class DetailsPage:
    """Shows the details of one notice to one force while the child is searched for: those that the notice named, as the
    register has them now. To a force without an API only where its code has opened the notice.
    """

    store: Store
    clocks: Clocks
    keyring: Keyring
    codes: ReadingCodes

    async def answer(self, delivery: UUID, form: Form) -> Sheet | None:
        async with self.store.transaction(delivery) as uow:
            found = await load(uow, self.keyring, delivery)
            if found is None or found.notice.data.details is None:
                return None
            if await is_closed(uow, found):
                return SHEETS["details-over"]
            if form.answer != OPEN:
                return replace(SHEETS["details"], buttons=(Button(OPEN, SAYS["open"]),))
            reader = await self.codes.reader(uow, delivery, form)
            if reader is None and await self.codes.are_needed(uow, found):
                return SHEETS["locked"]
            holds, child = found.notice.data.details.holds, found.delivery.child
            facts = await uow.fetch(facts_for_notice(self.keyring, child))
            picture = await uow.fetch(photograph_of(self.keyring, child)) if "photograph" in holds else None
            record_reading(uow, found, "notice-details", holds, reader)
        return SHEETS["nothing"] if facts.child is None else _sheet(facts.child, holds, picture)


def _sheet(child: ChildFacts, holds: tuple[str, ...], picture: Photograph | None) -> Sheet:
    names = [each.removeprefix("child.") for each in holds if each.startswith("child.")]
    told = tuple((label(name), (text_of(child, name) or "unknown",)) for name in names)
    if picture is None:
        return Sheet(SAYS["details"], (), sections=told)
    taken = SAYS["taken"].format(day=picture.taken_on or "an unknown day")
    inline = f"data:{picture.media_type};base64,{b64encode(picture.picture).decode()}"
    return Sheet(SAYS["details"], (taken,), sections=told, picture=inline)
