"""Shows the form of a deed on the page behind a link, and records what its reader filled in: once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal
from uuid import UUID

from cachetools import TTLCache

from services.platform.delivery.events import acknowledged
from services.platform.delivery.links import forms
from services.platform.delivery.links.forms import Choice, Form, Group
from services.platform.delivery.links.pages import Button, Sheet
from services.platform.delivery.links.tokens import Links, Purpose
from services.platform.delivery.model import State
from services.platform.delivery.queue import repository as deliveries
from services.platform.register import words
from services.platform.register.cache import new_cache
from services.platform.register.children.identity import code_of_child
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, first_row
from services.platform.store.unit_of_work import UnitOfWork
from services.professionals import metrics
from services.professionals.digests.page import CANNOT, HAVE_IT, Matter
from services.professionals.email_wording import mail_code
from services.safeguarding.deeds import deed
from services.safeguarding.deeds.answers import Fault, Faults, Field, Kind
from services.safeguarding.deeds.catalogue import DEED_SPECS
from services.safeguarding.deeds.deed import DeedSpec
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import derived
from services.wording.deed_forms import DeedWords

RECORD, CORRECT = "record", "correct"
KINDS: Mapping[Kind, Literal["words", "line", "day", "moment", "one-of", "any-of"]] = {
    Kind.LINE: "line",
    Kind.WORDS: "words",
    Kind.CHOICE: "one-of",
    Kind.YES_NO: "one-of",
    Kind.SEVERAL: "any-of",
    Kind.MOMENT: "moment",
    Kind.DAY_TO_COME: "day",
    Kind.PAST_DAY: "day",
}
NEWEST = "SELECT number, event FROM professionals.deeds WHERE duty = %(duty)s ORDER BY number DESC LIMIT 1"
CLAIM = """
    INSERT INTO professionals.deeds (duty, number, event, delivery, at)
    VALUES (%(duty)s, %(number)s, %(event)s, %(delivery)s, %(at)s) ON CONFLICT DO NOTHING RETURNING number
"""


def spec_of(duty: Duty) -> DeedSpec | None:
    """None where no form ends the duty, and where a word about police is needed of a force that nobody knows."""
    spec = None if duty.deed is None else DEED_SPECS[duty.deed]
    return None if spec is not None and spec.is_about_police() and duty.force is None else spec


@dataclass(frozen=True)
class DeedForms:
    """Works within the caller's transaction. A correction is a record of its own, with the next number."""

    keyring: Keyring
    clocks: Clocks
    links: Links
    child_codes: TTLCache[Any, Any] = field(default_factory=new_cache)

    def link(self, each: Matter, now: datetime) -> str:
        return self.links.url(Purpose.DEED, each.delivery.id, now)

    async def show(self, uow: UnitOfWork, each: Matter, spec: DeedSpec, form: Form, plain: Sheet) -> Sheet:
        """Does what the form's button says. Returns the form, its faults, or that it is recorded.

        `plain` is the page of a duty that a word ends: its other buttons stay.
        """
        spoken = DeedWords.read(plain.language)
        number, before = await self._newest(uow, each.duty)
        faults: Mapping[str, Fault] = {}
        if form.answer == f"{RECORD}-{number}":
            try:
                await self._record(uow, each, spec, form, number, before)
            except Faults as found:
                faults = found.by_field
            else:
                return _recorded_sheet(spec, spoken, plain)
        elif number and form.answer != CORRECT:
            return _recorded_sheet(spec, spoken, plain)
        code = await uow.fetch(code_of_child(each.delivery.child, self.child_codes))
        about = spoken.page["about"].format(code=code or mail_code(each.duty))
        sheet = _form_sheet(spec, spoken, about, form, faults, number)
        first = {State.ACKNOWLEDGED: spoken.page["has-it"], State.FAILED: plain.title}.get(each.state)
        return replace(
            sheet,
            language=plain.language,
            paragraphs=(first, *sheet.paragraphs) if first else sheet.paragraphs,
            buttons=sheet.buttons + tuple(_quiet(spec, spoken, plain.buttons)),
        )

    async def _newest(self, uow: UnitOfWork, duty: Duty) -> tuple[int, UUID | None]:
        """How often it was recorded, and by which event the last time."""
        row = await uow.fetch(Query(NEWEST, {"duty": duty.duty}, first_row))
        return (0, None) if row is None else (row.number + 1, row.event)

    async def _record(
        self, uow: UnitOfWork, each: Matter, spec: DeedSpec, form: Form, number: int, before: UUID | None
    ) -> None:
        """Raises Faults. Of two readers who record the same, the second records nothing."""
        delivery, duty, now = each.delivery, each.duty, self.clocks.story()
        act = derived("deed", str(duty.duty), str(number))
        answers = spec.read(act, {name: ",".join(form.all(name)).strip() for name in form.filled}, now)
        row = {"duty": duty.duty, "number": number, "event": act, "delivery": delivery.id, "at": self.clocks.wall()}
        if not await uow.fetch(Query(CLAIM, row, bool)):
            return
        about, by = delivery.child, delivery.person
        kept = {
            name: (await words.keep(uow, self.keyring, about=about, words=said, said_by=by, at=now),)
            for name, said in answers.said.items()
        }
        matter = deed.Matter(duty.authority, "page", duty.episode, duty.force, by, before, duty.duty)
        if each.state is not State.ACKNOWLEDGED:
            uow.publish(acknowledged(duty, "page", by=by), subject=about, cause=delivery)
            await deliveries.acknowledge(uow, duty.duty, duty.step, self.clocks.wall())
        event = spec.event(matter, replace(answers, words=kept))
        uow.publish(event, subject=about, cause=delivery, message_id=str(act))
        uow.on_commit(metrics.ANSWERS.labels(RECORD).inc)


def _form_sheet(
    spec: DeedSpec, spoken: DeedWords, about: str, form: Form, faults: Mapping[str, Fault], number: int
) -> Sheet:
    said = spoken.forms[spec.deed]
    summary = [
        f"{spoken.label(spec.deed, each)}: {spoken.faults[faults[each.name]]}"
        for each in spec.asks
        if each.name in faults
    ]
    return Sheet(
        said["title"],
        (
            *((f"{spoken.page['not-yet']} {'; '.join(summary)}.",) if summary else ()),
            about,
            said["follows"],
            *((spoken.page["correcting"],) if number else ()),
        ),
        (Button(f"{RECORD}-{number}", said["button"]),),
        asks=tuple(_group(spec, spoken, form, faults)),
        status=HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
    )


def _group(spec: DeedSpec, spoken: DeedWords, form: Form, faults: Mapping[str, Fault]) -> Iterator[Group]:
    """What is always needed; then, opened by a tap, what depends on it."""
    for required in (True, False):
        asked = [each for each in spec.asks if each.required is required]
        is_folded = not any(each.name in faults or form.one(each.name) for each in asked)
        if asked:
            fields = tuple(_ask(spec, spoken, each, form, faults) for each in asked)
            yield Group(fields, "" if required else spoken.page["more"], folded=is_folded and not required)


def _ask(spec: DeedSpec, spoken: DeedWords, each: Field, form: Form, faults: Mapping[str, Fault]) -> forms.Field:
    words_of, given = spoken.choices(each), form.all(each.name)
    return forms.Field(
        each.name,
        spoken.label(spec.deed, each),
        KINDS[each.kind],
        value=form.one(each.name),
        hint=spoken.hint(spec.deed, each),
        choices=tuple(Choice(value, words_of[value], value in given) for value in each.choices),
        wrong=spoken.faults[faults[each.name]].capitalize() if each.name in faults else "",
    )


def _quiet(spec: DeedSpec, spoken: DeedWords, buttons: tuple[Button, ...]) -> Iterator[Button]:
    """Beside the form's own button. Whoever is asked whether they will do it has no third answer."""
    cannot = spoken.forms[spec.deed].get("cannot")
    for each in buttons:
        if each.answer == HAVE_IT and cannot is None:
            yield Button(HAVE_IT, spoken.page["have-it"], quiet=True)
        elif each.answer != HAVE_IT:
            yield replace(each, label=cannot or each.label) if each.answer == CANNOT else each


def _recorded_sheet(spec: DeedSpec, spoken: DeedWords, plain: Sheet) -> Sheet:
    correct = Button(CORRECT, spoken.page["correct"], quiet=True)
    recorded, more = spoken.page["recorded"].format(name=spoken.names[spec.deed]), spoken.page["recorded-more"]
    return Sheet(recorded, (more,), (correct,), done=True, language=plain.language)
