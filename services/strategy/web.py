"""Serves the pages behind the buttons of invitations and of mails about a discussion's record.

An invitation's reader says whether they come, the convener records the discussion, and those invited read the
record.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from uuid import UUID

from fastapi import FastAPI

from services.platform.delivery.events import acknowledged, looked_up
from services.platform.delivery.links.pages import Button, Form, LinkPages, Sheet, mount_pages
from services.platform.delivery.links.tokens import Links, Purpose
from services.platform.delivery.model import Delivery
from services.platform.delivery.queue import repository as deliveries
from services.platform.register import words as register_words
from services.platform.register.directory import language_of_person
from services.platform.register.words import words_of_discussion
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.transient_errors import new_web_app
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.child_events.discussion_events import StrategyDiscussionHeld
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import derived
from services.safeguarding.working_time import day_in_england
from services.strategy import metrics
from services.strategy import records as record_form
from services.strategy.discussions import repository as discussions
from services.strategy.discussions.policy import Reply
from services.strategy.discussions.repository import (
    Attendee,
    Discussion,
    attendee_by_duty,
    attendees_of_discussion,
    discussion_by_duty,
    discussion_by_recorder,
)
from services.strategy.discussions.service import DiscussionService
from services.strategy.records import Filled, Record, RecordService, record_of_discussion
from services.strategy.wording import WORDINGS, Words, words

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
            texts = await uow.fetch(words_of_discussion(self.keyring, found.discussion))
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
    discussion_service: DiscussionService

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
            uow.on_commit(metrics.REPLIES.labels("page", reply).inc)
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
