"""Serves the pages behind the buttons of invitations and of mails about a discussion's record, and takes answers by
mail.

An invitation's reader says whether they come, the convener records the discussion, and those invited read the
record.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Literal
from uuid import UUID, uuid4

from fastapi import FastAPI

from services.platform.delivery.events import acknowledged, looked_up
from services.platform.delivery.inbound_mail.classifier import MailKind, ReadMail, spelt
from services.platform.delivery.inbound_mail.mailbox import ESCALATES, UNAUTHENTICATED, MailAnswers
from services.platform.delivery.links import Button, Form, LinkPages, Links, Purpose, Sheet, mount_pages
from services.platform.delivery.model import Delivery
from services.platform.delivery.queue import repository as deliveries
from services.platform.register import words as register_words
from services.platform.register.directory import language_of_person
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.engine import new_web_app
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.child_events.discussion_events import StrategyDiscussionHeld
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import derived, provisional_child
from services.safeguarding.working_time import day_in_england
from services.strategy import records as record_form
from services.strategy.discussions import repository as discussions
from services.strategy.discussions import service
from services.strategy.discussions.policy import Reply
from services.strategy.discussions.repository import (
    PLANNED,
    Attendee,
    Discussion,
    attendee_by_duty,
    attendees_of_discussion,
    attendees_with_address,
    discussion_by_duty,
    discussion_by_id,
    discussion_by_recorder,
    discussions_of_mails,
    inviters,
    lock_of_mails,
)
from services.strategy.invitations import WORDINGS, Answered, NotAReply, Words, read, words
from services.strategy.records import Filled, Record, RecordService, record_of_discussion
from services.wording import read_words

DOUBTS = read_words(Path(__file__).with_name("doubts.yaml")) | {"unauthenticated": UNAUTHENTICATED}
Doubt = Literal["unauthenticated", "several", "stranger", "another", "early", "undated"]


@dataclass(frozen=True)
class Replies:
    """Commits before it returns. The same mail twice does nothing the second time, unless a person reads it.

    An answer is to the discussion that its UID names, or whose mail it answers, and to no other: never to its sender's
    newest.
    """

    store: Store
    keyring: Keyring
    discussion_service: service.DiscussionService
    answers: MailAnswers

    async def take(self, mail: ReadMail) -> str:
        """Returns the result in a word."""
        answered = () if mail.kind is MailKind.BOUNCED else await asyncio.to_thread(read_answers, mail)
        async with self.store.transaction() as uow:
            result = await self._take(uow, mail, answered)
        service.REPLIES.labels("mail", result).inc()
        return result

    async def _take(self, uow: UnitOfWork, mail: ReadMail, answers: Sequence[Answered]) -> str:
        if answers:
            return await self._take_calendar(uow, mail, answers)
        if mail.kind in ESCALATES:
            await uow.fetch(lock_of_mails(_mails_answered(mail)[:1]))  # before the mail itself
            if await self.answers.is_believed(uow, mail):
                return await self._escalate(uow, mail)
        if mail.kind in {MailKind.PERSONAL, MailKind.AWAY}:
            return await self._take_words(uow, mail)
        return str(mail.kind)

    async def _take_calendar(self, uow: UnitOfWork, mail: ReadMail, answers: Sequence[Answered]) -> str:
        answered, *others = answers
        found, mine, named = await uow.fetch(
            discussion_by_id(answered.discussion),
            attendees_with_address(answered.discussion, self._address_hashes(mail)),
            discussions_of_mails(_mails_answered(mail)),
        )
        comments = _join(*dict.fromkeys(each.comment for each in answers))
        if found is None:
            return await self._take_words(uow, mail, _join(DOUBTS["unknown"], comments))
        several = bool(others or named - {found.discussion})
        doubt = _doubt(mail, answered, found, mine, several=several)
        if doubt is not None:
            return await self._to_a_person(uow, mail, found, mine, _join(DOUBTS[doubt], comments))
        if found.state != PLANNED or not _is_current(answered, found):
            if answered.comment:  # it may be about the child, though the answer no longer counts
                await self._to_a_person(uow, mail, found, mine, _join(DOUBTS["old"], answered.comment))
            return "old"
        for attendee in mine:
            await self.discussion_service.take_reply(
                uow, found, attendee, answered.reply, how="mail", proposes=answered.proposes
            )
        note = DOUBTS["delegated"] if answered.delegated else DOUBTS["comment"] if answered.comment else None
        if note is not None or (answered.reply is Reply.COUNTER and answered.proposes is None):
            await self._to_a_person(uow, mail, found, mine, _join(note, answered.comment))
        return str(answered.reply)

    async def _escalate(self, uow: UnitOfWork, mail: ReadMail) -> str:
        """Unless the attendee has replied already: a bounce of later news says nothing about who comes."""
        told = await self.answers.told(uow, mail)
        if told is not None:
            discussion, attendee = await uow.fetch(discussion_by_duty(told[1]), attendee_by_duty(told[1]))
            if discussion and attendee and attendee.reply not in {Reply.WAITING, Reply.COUNTER}:
                return f"{mail.kind}-late"
        return await self.answers.goes_on(uow, mail)

    async def _take_words(self, uow: UnitOfWork, mail: ReadMail, why: str = "") -> str:
        """A person reads words from somebody whom we invited, or in answer to our mail. Strangers' mails are left."""
        told = await self.answers.told(uow, mail)
        if told is None:
            return await self._take_unplaced(uow, mail, why)
        found = await uow.fetch(discussion_by_duty(told[1]))
        if found is None:  # such as an answer from the person asked for a record
            return await self.answers.made_of(uow, mail)
        mine, named = await uow.fetch(
            attendees_with_address(found.discussion, self._address_hashes(mail)),
            discussions_of_mails(_mails_answered(mail)),
        )
        several = DOUBTS["several"] if len(named) > 1 else ""
        doubt = DOUBTS["unauthenticated"] if not mail.authenticated else "" if mine else DOUBTS["stranger"]
        return await self._to_a_person(uow, mail, found, mine, _join(why, doubt, several))

    async def _take_unplaced(self, uow: UnitOfWork, mail: ReadMail, why: str) -> str:
        """From somebody whom we invited, but about no discussion that we know. The duty team of each authority that
        invited them hears of it, under the id of a child whom nobody has identified.
        """
        found = await uow.fetch(inviters(self._address_hashes(mail)))
        if not found:
            return "stranger"
        doubt = "" if mail.authenticated else DOUBTS["unauthenticated"]
        for each in found:
            await self.answers.to_a_person(
                uow,
                _join(why or DOUBTS["unplaced"], doubt, f"From {mail.sender}", mail.words),
                child=provisional_child(str(uuid4())),
                authority=each.authority,
                said_by=each.person if mail.authenticated else None,
                exercise=each.exercise,
                trace=None,
            )
        return "needs-human"

    async def _to_a_person(
        self, uow: UnitOfWork, mail: ReadMail, found: Discussion, mine: list[Attendee], why: str
    ) -> str:
        return await self.answers.to_a_person(
            uow,
            _join(why, f"From {mail.sender}", mail.words),
            child=found.child,
            authority=found.authority,
            said_by=mine[0].person if mine and mail.authenticated else None,
            exercise=found.exercise,
            trace=found.trace,
        )

    def _address_hashes(self, mail: ReadMail) -> Sequence[bytes]:
        return self.keyring.number_hashes(spelt(mail.sender))


def _mails_answered(mail: ReadMail) -> list[UUID]:
    return [] if mail.refers_to is None else [mail.refers_to, *mail.also_named]


def _join(*parts: str | None) -> str:
    return "\n\n".join(filter(None, parts))


def read_answers(mail: ReadMail) -> tuple[Answered, ...]:
    """The answers in its calendar parts. Gmail sends the same answer twice: it counts once."""
    found = []
    for part in mail.calendars:
        try:
            found.append(read(part.text, part.method))
        except NotAReply:
            continue
    return tuple(dict.fromkeys(found))


def _doubt(
    mail: ReadMail, answered: Answered, found: Discussion, mine: list[Attendee], *, several: bool
) -> Doubt | None:
    """Why a person must look at it. None: it is believed."""
    if not mail.authenticated:
        return "unauthenticated"
    if several:
        return "several"
    if not mine:
        return "stranger"
    if answered.attendee != mail.sender:
        return "another"
    return _find_doubt_of_date(answered, found)


def _find_doubt_of_date(answered: Answered, found: Discussion) -> Doubt | None:
    if answered.sequence is not None:
        return "early" if answered.sequence > found.sequence else None
    if answered.starts_at is None or answered.reply is Reply.COUNTER:
        return "undated" if found.sequence and found.state == PLANNED else None
    return None if found.sequence or answered.starts_at == found.starts_at else "early"


def _is_current(answered: Answered, found: Discussion) -> bool:
    """An answer without a sequence is to the date that it names; without a date either, to the first."""
    if answered.sequence is None and answered.starts_at is not None and answered.reply is not Reply.COUNTER:
        return answered.starts_at == found.starts_at
    return (answered.sequence or 0) == found.sequence


SAVE, READ = "save", "read"


@dataclass(frozen=True)
class RecordWriting:
    """A record commits before the page says so. The link is for the one person to whom its mail went."""

    store: Store
    keyring: Keyring
    clocks: Clocks
    record_service: RecordService

    async def answer(self, delivery: UUID, form: Form) -> Sheet | None:
        async with self.store.transaction(delivery) as uow:
            sent = await deliveries.find(uow.connection, delivery)
            if sent is None or sent.duty is None:
                return None
            found, language = await uow.fetch(discussion_by_recorder(sent.duty), language_of_person(sent.person))
            if found is None:
                return None
            spoken = words(language)
            if found.state != discussions.PLANNED:
                return _closed_sheet(spoken, found)
            invited = await uow.fetch(attendees_of_discussion(found.discussion))
            if not form.filled:
                coming = tuple(each.role for each in invited if each.reply is Reply.ACCEPTED)
                return _form_sheet(spoken, found, invited, Form("", {"came": coming, "form": (found.form,)}), {})
            filled = record_form.read(form, spoken, on=day_in_england(found.starts_at))
            if form.answer != SAVE or isinstance(filled, dict):
                return _form_sheet(spoken, found, invited, form, filled if isinstance(filled, dict) else {})
            await deliveries.lock_all(uow, [delivery, *(each.delivery for each in invited)])
            await self._record(uow, sent, sent.duty, found, filled)
            said = (spoken.record("thanks-more"),)
            return Sheet(spoken.record("thanks"), said, done=True, language=spoken.name)

    async def _record(self, uow: UnitOfWork, delivery: Delivery, duty: Duty, found: Discussion, filled: Filled) -> None:
        at, by = self.clocks.story(), delivery.person
        keep = partial(register_words.keep, uow, self.keyring, about=found.child, said_by=by, at=at)
        about = {
            "authority": found.authority,
            "words": tuple([await keep(words=text) for text in filled.texts]),
            "said_by": by,
            "channel": "page",
            "episode": found.episode,
            "discussion": found.number,
            "held_on": day_in_england(found.starts_at),
        }
        held = StrategyDiscussionHeld.model_validate(about | filled.fields)
        name = str(derived("strategy record", str(found.discussion)))
        uow.publish(held, subject=found.child, cause=found, message_id=name)
        await self.record_service.take(uow, found, held, child=found.child, cause=found, name=name)
        uow.publish(acknowledged(duty, "page", by=by), subject=found.child, cause=found)
        await deliveries.acknowledge(uow, duty.duty, duty.step, self.clocks.wall())


def _form_sheet(
    spoken: Words, found: Discussion, invited: Sequence[Attendee], form: Form, wrong: dict[str, str]
) -> Sheet:
    roles = tuple(dict.fromkeys(each.role for each in invited))
    when = spoken.record("when", **spoken.when(found.starts_at))
    return Sheet(
        spoken.record("wrong" if wrong else "ask"),
        (when, spoken.record("wrong-more" if wrong else "explain")),
        (Button(SAVE, spoken.record("save")),),
        asks=record_form.build_groups(spoken, roles, form, wrong),
        language=spoken.name,
    )


def _closed_sheet(spoken: Words, found: Discussion) -> Sheet:
    if found.state == discussions.CANCELLED:
        at = found.starts_at
        return Sheet(spoken.page("over", at), (spoken.page("over-more", at),), language=spoken.name)
    return Sheet(spoken.record("already"), (spoken.record("already-more"),), done=True, language=spoken.name)


@dataclass(frozen=True)
class RecordReading:
    """The link shows no record, since mail scanners open links. The button shows it, and is reported for the audit."""

    store: Store
    keyring: Keyring

    async def answer(self, delivery: UUID, form: Form) -> Sheet | None:
        async with self.store.transaction(delivery) as uow:
            sent = await deliveries.find(uow.connection, delivery)
            if sent is None or sent.duty is None:
                return None
            found, language = await uow.fetch(discussion_by_duty(sent.duty), language_of_person(sent.person))
            if found is None:
                return None
            record = await uow.fetch(record_of_discussion(found.discussion))
            if record is None:
                return None
            if form.answer != READ:
                return _ready_sheet(words(language), found)
            seen = looked_up(sent, "discussion-record", ("words.words",), sent.person)
            uow.publish(seen, subject=sent.child, cause=sent)
            texts = await uow.fetch(register_words.words_of_discussion(self.keyring, found.discussion))
            return _record_sheet(words(language), found, record, texts)


def _ready_sheet(spoken: Words, found: Discussion) -> Sheet:
    said = (spoken.record("when", **spoken.when(found.starts_at)), spoken.record("ready-more"))
    return Sheet(spoken.record("ready"), said, (Button(READ, spoken.record("read")),), language=spoken.name)


def _record_sheet(spoken: Words, found: Discussion, record: Record, texts: list[str | None]) -> Sheet:
    held = record.held
    kept = tuple(text or spoken.record("not-kept") for text, _ in zip_longest(texts, (None, *held.plan)))
    came = tuple(map(spoken.role, held.came)) or (spoken.record("none-came"),)
    steps = tuple(
        spoken.record(
            "step-line",
            number=index + 1,
            what=kept[index + 1],
            owner=spoken.role(step.owner),
            day=spoken.day(step.due_on),
        )
        for index, step in enumerate(held.plan)
    )
    sections = (
        (spoken.record("said"), kept[:1]),
        *(((spoken.record("corrected"), corrections),) if (corrections := kept[len(held.plan) + 1 :]) else ()),
        (spoken.record("section-47"), (spoken.record(f"section-47-{held.section_47}"),)),
        (spoken.record("plan"), steps or (spoken.record("no-plan"),)),
        (spoken.record("who-came"), came),
    )
    when = (spoken.record("when", **spoken.when(found.starts_at)), spoken.record(f"form-{held.form}"))
    return Sheet(spoken.record("title"), when, sections=sections, language=spoken.name)


BUTTONS = {"come": Reply.ACCEPTED, "perhaps": Reply.TENTATIVE, "not-come": Reply.DECLINED}
LEFT = {
    Reply.ACCEPTED: {Reply.DECLINED},
    Reply.TENTATIVE: {Reply.ACCEPTED, Reply.DECLINED},
    Reply.DECLINED: {Reply.ACCEPTED},
}
"""What somebody who has answered may still answer. Only who certainly comes makes up the quorum."""


@dataclass(frozen=True)
class ReplyPage:
    """A reply commits before the page says so. It is to the date that its reader saw: if another holds by now, they are
    asked again.
    """

    store: Store
    discussion_service: service.DiscussionService

    async def answer(self, delivery: UUID, form: Form) -> Sheet | None:
        async with self.store.transaction(delivery) as uow:
            sent = await deliveries.find(uow.connection, delivery)
            if sent is None or sent.duty is None:
                return None
            found, attendee = await uow.fetch(discussion_by_duty(sent.duty), attendee_by_duty(sent.duty))
            if found is None or attendee is None:
                return None
            spoken = words(await uow.fetch(language_of_person(attendee.person)))
            name, _, seen = form.answer.rpartition("-")
            reply = BUTTONS.get(name) if seen == str(found.sequence) else None
            if reply is None or found.state != discussions.PLANNED:
                return _sheet(spoken, found, attendee.reply)
            await self.discussion_service.take_reply(uow, found, attendee, reply, how="page")
            uow.on_commit(service.REPLIES.labels("page", reply).inc)
            return _sheet(spoken, found, reply)


def _sheet(spoken: Words, found: Discussion, reply: Reply) -> Sheet:
    at = found.starts_at
    when = spoken.page(WORDINGS[found.form], at)
    if found.state != discussions.PLANNED:
        ended = "held" if found.state == discussions.HELD else "over"
        return Sheet(spoken.page(ended, at), (when, spoken.page(f"{ended}-more", at)), language=spoken.name)
    buttons = tuple(Button(f"{name}-{found.sequence}", spoken.page(name, at), quiet=name != "come") for name in BUTTONS)
    if reply in LEFT:
        said = (when, spoken.page("coming-more", at))
        left = tuple(button for button, other in zip(buttons, BUTTONS.values(), strict=True) if other in LEFT[reply])
        return Sheet(spoken.page(f"said-{reply}", at), said, left, done=True, language=spoken.name)
    return Sheet(spoken.page("ask", at), (when, spoken.how(found)), buttons, language=spoken.name)


def pages(links: Links, clocks: Clocks, replying: ReplyPage, writing: RecordWriting, reading: RecordReading) -> FastAPI:
    app = new_web_app("strategy")
    answers = {Purpose.REPLY: replying.answer, Purpose.RECORD: writing.answer, Purpose.READ: reading.answer}
    mount_pages(app, *(LinkPages(links, clocks, *each) for each in answers.items()))
    return app
