"""The page on which whoever convened records a discussion, and the page on which whoever was invited reads it."""

from dataclasses import dataclass
from itertools import zip_longest
from uuid import UUID

from services.platform.delivery.events import acknowledged, looked_up
from services.platform.delivery.links.forms import Form
from services.platform.delivery.links.pages import Button, Sheet
from services.platform.delivery.model import Delivery
from services.platform.delivery.queue import repository as deliveries
from services.platform.register import words as register_words
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.child_events.discussion_events import StrategyDiscussionHeld
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import derived
from services.safeguarding.roles import Role
from services.safeguarding.working_time import ENGLAND
from services.strategy.discussions import repository as discussions
from services.strategy.discussions.policy import Reply
from services.strategy.discussions.repository import Discussion
from services.strategy.reader_language import spoken_to
from services.strategy.records import form as record_form
from services.strategy.records import repository as records
from services.strategy.records.form import Filled
from services.strategy.records.repository import Record
from services.strategy.records.service import About, RecordService
from services.strategy.wording import Words

SAVE, READ = "save", "read"


@dataclass(frozen=True)
class Asked:
    delivery: Delivery
    duty: Duty
    discussion: Discussion
    words: Words


@dataclass(frozen=True)
class RecordWriting:
    """What is recorded commits before the page says so. The link is good for the one person to whom its mail went."""

    store: Store
    keyring: Keyring
    clocks: Clocks
    recording: RecordService

    async def shows(self, delivery: UUID) -> Sheet | None:
        async with self.store.transaction() as uow:
            asked = await self._asked(uow, delivery)
            if asked is None:
                return None
            if asked.discussion.state != discussions.PLANNED:
                return _already(asked)
            invited, coming = await self._invited(uow, asked.discussion)
            return _asks(asked, invited, Form("", {"came": coming, "form": (asked.discussion.form,)}), {})

    async def acts(self, delivery: UUID, form: Form) -> Sheet | None:
        async with self.store.transaction() as uow:
            asked = await self._asked(uow, delivery)
            if asked is None:
                return None
            if asked.discussion.state != discussions.PLANNED:
                return _already(asked)
            on = asked.discussion.starts_at.astimezone(ENGLAND).date()
            filled = record_form.read(form, asked.words, on=on)
            if form.answer != SAVE or isinstance(filled, dict):
                invited, _ = await self._invited(uow, asked.discussion)
                return _asks(asked, invited, form, filled if isinstance(filled, dict) else {})
            await self._record(uow, asked, filled)
            said = (asked.words.record("thanks-more"),)
            return Sheet(asked.words.record("thanks"), said, done=True, language=asked.words.name)

    async def _record(self, uow: UnitOfWork, asked: Asked, filled: Filled) -> None:
        found, duty, delivery = asked.discussion, asked.duty, asked.delivery
        kept = [
            await register_words.keep(
                uow,
                self.keyring,
                about=found.child,
                words=text,
                said_by=delivery.person,
                at=self.clocks.story(),
            )
            for text in filled.texts
        ]
        about = {
            "authority": found.authority,
            "words": tuple(kept),
            "said_by": delivery.person,
            "channel": "page",
            "episode": found.episode,
            "discussion": found.number,
            "held_on": found.starts_at.astimezone(ENGLAND).date(),
        }
        held = StrategyDiscussionHeld.model_validate(about | filled.fields)
        cause = derived("strategy record", str(found.discussion))
        uow.publish(held, subject=found.child, cause=found, message_id=str(cause))
        await self.recording.take(
            uow, found, held, About(found.child, found.authority, found.exercise, found.trace, str(cause))
        )
        uow.publish(acknowledged(duty, "page", by=delivery.person), subject=found.child, cause=found)
        await deliveries.acknowledged(uow, duty.duty, duty.step, self.clocks.wall())

    async def _asked(self, uow: UnitOfWork, delivery: UUID) -> Asked | None:
        parcel = await deliveries.find(uow.connection, delivery)
        duty = None if parcel is None else parcel.duty
        if parcel is None or duty is None:
            return None
        found = await records.of_recorder(uow, duty.duty, duty.step)
        if found is None:
            return None
        spoken = await spoken_to(uow, duty, parcel.child, parcel.person, self.clocks.story())
        return Asked(parcel, duty, found, spoken)

    async def _invited(self, uow: UnitOfWork, found: Discussion) -> tuple[tuple[Role, ...], tuple[str, ...]]:
        """Everyone invited, and who of them said that they come."""
        attendees = await discussions.attendees_of(uow.connection, found.discussion)
        coming = tuple(each.role for each in attendees if each.reply is Reply.ACCEPTED)
        return tuple(dict.fromkeys(each.role for each in attendees)), coming


def _asks(asked: Asked, invited: tuple[Role, ...], form: Form, wrong: dict[str, str]) -> Sheet:
    spoken = asked.words
    when = spoken.record("when", **spoken.when(asked.discussion.starts_at))
    return Sheet(
        spoken.record("wrong" if wrong else "ask"),
        (when, spoken.record("wrong-more" if wrong else "explain")),
        (Button(SAVE, spoken.record("save")),),
        asks=record_form.asks(spoken, invited, form, wrong),
        language=spoken.name,
    )


def _already(asked: Asked) -> Sheet:
    spoken = asked.words
    if asked.discussion.state == discussions.CANCELLED:
        at = asked.discussion.starts_at
        return Sheet(spoken.page("over", at), (spoken.page("over-more", at),), language=spoken.name)
    return Sheet(spoken.record("already"), (spoken.record("already-more"),), done=True, language=spoken.name)


@dataclass(frozen=True)
class RecordReading:
    """Opening the link shows nothing of the record, since mail scanners open links; the button does, and is reported for the audit."""

    store: Store
    keyring: Keyring
    clocks: Clocks

    async def shows(self, delivery: UUID) -> Sheet | None:
        return await self._sheet(delivery, opens=False)

    async def acts(self, delivery: UUID, form: Form) -> Sheet | None:
        return await self._sheet(delivery, opens=form.answer == READ)

    async def _sheet(self, delivery: UUID, *, opens: bool) -> Sheet | None:
        async with self.store.transaction() as uow:
            parcel = await deliveries.find(uow.connection, delivery)
            duty = None if parcel is None else parcel.duty
            found = None if duty is None else await discussions.of_duty(uow, duty.duty, duty.step)
            record = None if found is None else await records.of(uow, found.discussion)
            if parcel is None or duty is None or found is None or record is None:
                return None
            spoken = await spoken_to(uow, duty, parcel.child, parcel.person, self.clocks.story())
            if not opens:
                return _ready(spoken, found)
            await self._report(uow, parcel)
            texts = await register_words.of_discussion(uow.connection, self.keyring, found.discussion)
            return _read(spoken, found, record, texts)

    async def _report(self, uow: UnitOfWork, delivery: Delivery) -> None:
        seen = looked_up(delivery, "discussion-record", ("words.words",), delivery.person)
        if seen is not None:
            uow.publish(seen, subject=delivery.child, cause=delivery)


def _ready(spoken: Words, found: Discussion) -> Sheet:
    said = (spoken.record("when", **spoken.when(found.starts_at)), spoken.record("ready-more"))
    return Sheet(spoken.record("ready"), said, (Button(READ, spoken.record("read")),), language=spoken.name)


def _read(spoken: Words, found: Discussion, record: Record, texts: list[str | None]) -> Sheet:
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
        (spoken.record("section-47"), (spoken.record(f"section-47-{held.section_47}"),)),
        (spoken.record("plan"), steps or (spoken.record("no-plan"),)),
        (spoken.record("who-came"), came),
    )
    when = (spoken.record("when", **spoken.when(found.starts_at)), spoken.record(f"form-{held.form}"))
    return Sheet(spoken.record("title"), when, sections=sections, language=spoken.name)
