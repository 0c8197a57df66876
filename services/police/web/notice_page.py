"""Shows the notice behind a link to an officer of a force without an API, and takes the same acknowledgement as the
API.

It opens to an officer with a code, which goes to the control room's number on file: a mailbox proves little. A code
is good once, for ten minutes, in the browser that asked for it; the notice is then open there for an hour. The
child's photograph and long descriptions, which do not fit into a notice, have a page of their own. Each reading is
recorded.
"""

import hashlib
import secrets
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from pydantic import ValidationError

from services.platform.delivery.channels.channel import ChannelSender, SendRequest
from services.platform.delivery.events import looked_up
from services.platform.delivery.links import Button, Choice, Field, Form, Group, Sheet
from services.platform.delivery.model import Delivery, State
from services.platform.delivery.queue import repository as deliveries
from services.platform.register import words
from services.platform.register.directory import format_number
from services.platform.register.organisations import Force, Forces
from services.platform.register.police_notice import ChildFacts, Photograph, facts_for_notice, photograph_of
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, scalar
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.police import store
from services.police.notices.builder import text_of
from services.police.notices.schema import Notice
from services.police.notices.sender import force_of
from services.police.notices.wording import (
    OVER,
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
from services.police.policy import ToldEpisode
from services.police.replies import Officer, Reply, ReplyData, ReplyService, ReplyType
from services.police.store import told_episodes
from services.safeguarding.child_events.events import ReferenceKind, RiskGrade
from services.safeguarding.duty.decisions import AttemptResult
from services.safeguarding.identifiers import WordsId, code_of, derived
from services.wording import day_and_time


@dataclass(frozen=True)
class LinkedNotice:
    delivery: Delivery
    state: State
    notice: Notice
    recorded: str = WORDS["page"]["nobody-yet"]
    """Whether somebody has, when and how. Not who: a link may lie in many mailboxes."""

    @property
    def is_unanswered(self) -> bool:
        """Nobody there has said yet that they have it."""
        return self.state is not State.ACKNOWLEDGED


async def load(uow: UnitOfWork, keyring: Keyring, delivery: UUID) -> LinkedNotice | None:
    """Locked until the transaction ends. None if it was never sent, or has been deleted or erased."""
    found = await deliveries.lock(uow, delivery)
    if found is None:
        return None
    said = await deliveries.body_of(uow.connection, keyring, found[0])
    return None if said is None else LinkedNotice(*found, Notice.model_validate_json(said))


async def is_closed(uow: UnitOfWork, found: LinkedNotice) -> bool:
    """Whether it was withdrawn, goes to no force, or its force was told that the child is no longer searched for."""
    if found.state is State.WITHDRAWN or force_of(found.delivery) is None:
        return True
    episode = await _told_episode(uow, found)
    return episode is not None and not episode.is_searched_for


async def is_superseded(uow: UnitOfWork, found: LinkedNotice) -> bool:
    """Whether the child was searched for when it was written, and no longer is. Never for a notice of a return."""
    if found.notice.data.about in OVER:
        return False
    episode = await _told_episode(uow, found)
    return episode is not None and not episode.is_searched_for and found.notice.timestamp < episode.told_at


async def is_searched_for(store: Store, keyring: Keyring, delivery: UUID) -> bool:
    """Whether its force was last told that the child is searched for, in no exercise. Its link opens for as long."""
    async with store.transaction(delivery) as uow:
        found = await load(uow, keyring, delivery)
        episode = None if found is None else await _told_episode(uow, found)
        return episode is not None and episode.is_searched_for and not episode.exercise


async def _told_episode(uow: UnitOfWork, found: LinkedNotice) -> ToldEpisode | None:
    force, episode = force_of(found.delivery), found.notice.data.episode
    if force is None or episode is None:
        return None
    return (await uow.fetch(told_episodes(force, [episode]))).get(episode)


def record_reading(
    uow: UnitOfWork, found: LinkedNotice, purpose: str, fields: tuple[str, ...], officer: WordsId | None
) -> None:
    """For the audit: the names of the fields that were read, never their content, and the words of who read them."""
    read = looked_up(found.delivery, purpose, fields, None, officer)
    uow.publish(read, subject=found.delivery.child, cause=found.delivery)


CODE_FOR, OPEN_FOR = timedelta(minutes=10), timedelta(hours=1)
MOST_TRIES = 5
MOST_CODES_AN_HOUR = 5
"""For one notice: nobody who holds its link rings the control room all night."""
SENT = "SELECT count(*) FROM police.reading_codes WHERE delivery = %(delivery)s AND sent_at > %(since)s"
OLD = "DELETE FROM police.reading_codes WHERE sent_at < %(since)s"
KEEP = """
    INSERT INTO police.reading_codes (browser, delivery, code, officer, sent_at)
    VALUES (%(browser)s, %(delivery)s, %(code)s, %(officer)s, %(now)s)
"""
TRY = """
    UPDATE police.reading_codes
    SET tries = tries + 1, opened_at = CASE WHEN code = %(code)s THEN %(now)s::timestamptz END
    WHERE browser = %(browser)s AND delivery = %(delivery)s AND opened_at IS NULL
        AND tries < %(most)s AND sent_at > %(since)s
"""
USED_UP = """
    SELECT tries >= %(most)s FROM police.reading_codes WHERE browser = %(browser)s AND delivery = %(delivery)s
"""
READER = """
    SELECT officer FROM police.reading_codes
    WHERE browser = %(browser)s AND delivery = %(delivery)s AND opened_at > %(since)s
"""


@dataclass(frozen=True, slots=True)
class Issued:
    """`browser` goes into its cookie."""

    browser: str
    code: str
    number: str


@dataclass(frozen=True)
class ReadingCodes:
    """`texts` also rings. A code is kept as a hash alone."""

    keyring: Keyring
    clocks: Clocks
    forces: Forces
    texts: ChannelSender

    async def issue(self, uow: UnitOfWork, found: LinkedNotice, officer: str) -> Issued | None:
        """To be sent after the commit. None if no number is on file or too many codes were sent."""
        now, delivery = self.clocks.wall(), found.delivery.id
        uow.write(OLD, {"since": now - OPEN_FOR - CODE_FOR})
        sent = await uow.fetch(Query(SENT, {"delivery": delivery, "since": now - timedelta(hours=1)}, scalar))
        force = await self._force(uow, found)
        if force is None or force.callback is None or sent >= MOST_CODES_AN_HOUR:
            return None
        issued = Issued(secrets.token_urlsafe(16), code_of(uuid4()), force.callback)
        at, about = self.clocks.story(), found.delivery.child
        kept = await words.keep(uow, self.keyring, about=about, words=officer, said_by=None, at=at)
        known_by = _hashes(issued.browser, issued.code)
        uow.write(KEEP, known_by | {"delivery": delivery, "officer": kept, "now": now})
        return issued

    async def send(self, found: LinkedNotice, issued: Issued, *, by_voice: bool) -> bool:
        """Whether it went out. A text that a landline cannot take is rung."""
        now, data = self.clocks.wall(), found.notice.data
        mark = "EXERCISE. " if data.exercise else ""
        body = f"{mark}Safe Return: {issued.code} opens the notice. Give it only to the officer who asked for it."
        of, to = found.delivery.id, issued.number
        sending = SendRequest(
            of, 1, to, body, (), urgent=True, uncertain=False, created_at=now, now=now, by_voice=by_voice
        )
        return (await self.texts.send(sending)).result is AttemptResult.ACCEPTED

    async def reader(self, uow: UnitOfWork, delivery: UUID, form: Form) -> WordsId | None:
        """The officer to whom the notice is open in this browser, by the code in the form or by an earlier one."""
        now = self.clocks.wall()
        asked = _hashes(form.browser, form.one("code").upper()) | {"delivery": delivery}
        if form.one("code"):
            await uow.fetch(Query(TRY, asked | {"now": now, "most": MOST_TRIES, "since": now - CODE_FOR}, len))
        found: WordsId | None = await uow.fetch(Query(READER, asked | {"since": now - OPEN_FOR}, scalar))
        return found

    async def is_used_up(self, uow: UnitOfWork, delivery: UUID, form: Form) -> bool:
        """Whether the code of this browser was tried too often, so that the right one opens nothing either."""
        asked = _hashes(form.browser, "") | {"delivery": delivery, "most": MOST_TRIES}
        return bool(await uow.fetch(Query(USED_UP, asked, scalar)))

    async def are_needed(self, uow: UnitOfWork, found: LinkedNotice) -> bool:
        """Not for a force with an API, called or polled: the link went into its own system and into no mailbox."""
        force = await self._force(uow, found)
        return force is None or (force.notice_url is None and not force.polls)

    async def _force(self, uow: UnitOfWork, found: LinkedNotice) -> Force | None:
        named = force_of(found.delivery)
        return None if named is None else await uow.fetch(self.forces.by_id(named))


def _hashes(browser: str, code: str) -> dict[str, bytes]:
    return {
        "browser": hashlib.sha256(browser.encode()).digest(),
        "code": hashlib.sha256(f"{browser} {code}".encode()).digest(),
    }


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
