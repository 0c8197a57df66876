"""Shows the form of a deed on the page behind a link, and records what its reader filled in: once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal, NamedTuple

from cachetools import TTLCache

from services.platform.delivery import links
from services.platform.delivery.events import acknowledged
from services.platform.delivery.links import Button, Choice, Form, Group, Links, Purpose, Sheet
from services.platform.delivery.model import State
from services.platform.delivery.queue import repository as deliveries
from services.platform.register import words
from services.platform.register.child import code_of_child
from services.platform.register.keys import new_cache
from services.platform.runtime.clocks import Clocks
from services.platform.store import deadlines
from services.platform.store.deadlines import HELD_FOR
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Rows
from services.platform.store.unit_of_work import UnitOfWork
from services.professionals import metrics
from services.professionals.digests import CANNOT, HAVE_IT, Matter
from services.professionals.wording import mail_code
from services.safeguarding import deeds
from services.safeguarding.deeds import DEED_SPECS, DeedSpec, Fault, Faults, Field, Kind
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import derived
from services.wording import role_names
from services.wording.deed_forms import DeedWords

RECORD, CORRECT, UNDO = "record", "correct", "undo"
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
RECORDED = """
    SELECT number, event, delivery, at, undone_at, d.person, d.role FROM professionals.deeds
    LEFT JOIN delivery.deliveries d ON d.id = delivery WHERE deeds.duty = %(duty)s ORDER BY number DESC
"""
"""Without the person and role of somebody who belongs to another authority by now."""
UNDONE = """
    UPDATE professionals.deeds SET undone_at = %(at)s WHERE event = %(event)s AND duty = %(duty)s RETURNING event
"""
CLAIM = """
    INSERT INTO professionals.deeds (duty, number, event, delivery, at)
    VALUES (%(duty)s, %(number)s, %(event)s, %(delivery)s, %(at)s) ON CONFLICT DO NOTHING RETURNING number
"""


def spec_of(duty: Duty) -> DeedSpec | None:
    """None if no form ends the duty, or if its form is about police and nobody knows the force."""
    spec = None if duty.deed is None else DEED_SPECS[duty.deed]
    return None if spec is not None and spec.is_about_police() and duty.force is None else spec


class Before(NamedTuple):
    """`records`: what was recorded so far, the newest first. `newest`: of those not undone. `number`: the next."""

    records: Rows
    newest: Any
    number: int

    def by_another(self, each: Matter, form: Form) -> Any:
        """The record that somebody else made while this form was being filled in, or None."""
        numbered = (row for row in self.records if form.answer == f"{RECORD}-{row.number}")
        return next((row for row in numbered if row.delivery != each.delivery.id), None)

    def can_be_undone(self, each: Matter, now: datetime) -> bool:
        """By whoever recorded it. `now` is wall time."""
        newest = self.newest
        return newest is not None and newest.delivery == each.delivery.id and now - newest.at < HELD_FOR


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
        """Does what the form's button says. Returns the form, its faults, or that it is recorded. `plain` is the page
        of a duty without a form: its other buttons stay.
        """
        spoken = DeedWords.read(plain.language)
        before = await uow.fetch(_recorded_of(each.duty))
        if form.answer == UNDO and await self._undo(uow, each, before):
            before = await uow.fetch(_recorded_of(each.duty))
        faults: Mapping[str, Fault] = {}
        if form.answer == f"{RECORD}-{before.number}":
            try:
                await self._record(uow, each, spec, form, before)
            except Faults as found:
                faults = found.by_field
            before = await uow.fetch(_recorded_of(each.duty))
        overtaking = before.by_another(each, form)
        if before.newest is not None and form.answer != CORRECT and not faults and overtaking is None:
            can_undo = before.can_be_undone(each, self.clocks.wall())
            return _recorded_sheet(spec, spoken, plain, each, before.newest, can_undo=can_undo)
        code = await uow.fetch(code_of_child(each.delivery.child, self.child_codes))
        about = spoken.page["about"].format(code=code or mail_code(each.duty))
        sheet = _form_sheet(spec, spoken, about, form, faults, before)
        first = {State.ACKNOWLEDGED: spoken.page["has-it"], State.FAILED: plain.title}.get(each.state)
        if overtaking is not None:
            first = spoken.page["overtaken"].format(who=_role_of(overtaking, spoken, plain))
        return replace(
            sheet,
            language=plain.language,
            paragraphs=(first, *sheet.paragraphs) if first else sheet.paragraphs,
            buttons=sheet.buttons + tuple(_quiet(spec, spoken, plain.buttons)),
        )

    async def _undo(self, uow: UnitOfWork, each: Matter, before: Before) -> bool:
        """False if it has gone out, or somebody else recorded it."""
        now = self.clocks.wall()
        if not before.can_be_undone(each, now):
            return False
        event = before.newest.event
        if not await uow.fetch(deadlines.take_back(self.clocks.story(), [event])):
            return False
        undone = {"event": event, "duty": each.duty.duty, "at": now}
        return await uow.fetch(Query(UNDONE, undone, bool))

    async def _record(self, uow: UnitOfWork, each: Matter, spec: DeedSpec, form: Form, before: Before) -> None:
        """Raises Faults. It goes out a minute later. Of two readers at the same moment, the second records nothing."""
        delivery, duty, now, number = each.delivery, each.duty, self.clocks.story(), before.number
        act = derived("deed", str(duty.duty), str(number))
        answers = spec.read(act, {name: ",".join(form.all(name)).strip() for name in form.filled}, now)
        row = {"duty": duty.duty, "number": number, "event": act, "delivery": delivery.id, "at": self.clocks.wall()}
        if not await uow.fetch(Query(CLAIM, row, bool)):
            return
        about, by, earlier = delivery.child, delivery.person, before.newest and before.newest.event
        kept = await words.keep_form(uow, self.keyring, answers.said, about=about, said_by=by, at=now)
        matter = deeds.Matter(duty.authority, "page", duty.episode, duty.force, by, earlier, duty.duty)
        if each.state is not State.ACKNOWLEDGED:
            uow.publish(acknowledged(duty, "page", by=by), subject=about, cause=delivery)
            await deliveries.acknowledge(uow, duty.duty, duty.step, self.clocks.wall())
        event = spec.event(matter, replace(answers, words=kept))
        how = {"said_by": "professionals", "subject": about, "exercise": delivery.exercise, "trace": delivery.trace}
        deadlines.hold(uow, now, act, event, **how)
        uow.on_commit(metrics.ANSWERS.labels(RECORD).inc)


def _form_sheet(
    spec: DeedSpec, spoken: DeedWords, about: str, form: Form, faults: Mapping[str, Fault], before: Before
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
            *((said.get("correcting", spoken.page["correcting"]),) if before.newest is not None else ()),
        ),
        (Button(f"{RECORD}-{before.number}", said["button"]),),
        asks=tuple(_group(spec, spoken, form, faults)),
        status=HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
    )


def _group(spec: DeedSpec, spoken: DeedWords, form: Form, faults: Mapping[str, Fault]) -> Iterator[Group]:
    """The fields that are always needed; then, opened by a tap, the others."""
    if not spec.folds:
        yield Group(tuple(_ask(spec, spoken, each, form, faults) for each in spec.asks))
        return
    for required in (True, False):
        asked = [each for each in spec.asks if each.required is required]
        is_folded = not any(each.name in faults or form.one(each.name) for each in asked)
        if asked:
            fields = tuple(_ask(spec, spoken, each, form, faults) for each in asked)
            yield Group(fields, "" if required else spoken.page["more"], folded=is_folded and not required)


def _ask(spec: DeedSpec, spoken: DeedWords, each: Field, form: Form, faults: Mapping[str, Fault]) -> links.Field:
    words_of, given = spoken.choices(each), form.all(each.name)
    return links.Field(
        each.name,
        spoken.label(spec.deed, each),
        KINDS[each.kind],
        value=form.one(each.name),
        hint=spoken.hint(spec.deed, each),
        choices=tuple(Choice(value, words_of[value], value in given) for value in each.choices),
        wrong=spoken.faults[faults[each.name]].capitalize() if each.name in faults else "",
    )


def _quiet(spec: DeedSpec, spoken: DeedWords, buttons: tuple[Button, ...]) -> Iterator[Button]:
    """Beside the form's own button. A form with its own way to refuse has no "I have it"."""
    cannot = spoken.forms[spec.deed].get("cannot")
    for each in buttons:
        if each.answer == HAVE_IT and cannot is None:
            yield Button(HAVE_IT, spoken.page["have-it"], quiet=True)
        elif each.answer != HAVE_IT:
            yield replace(each, label=cannot or each.label) if each.answer == CANNOT else each


def _recorded_sheet(
    spec: DeedSpec, spoken: DeedWords, plain: Sheet, each: Matter, newest: Any, *, can_undo: bool
) -> Sheet:
    answers = (UNDO, CORRECT) if can_undo else (CORRECT,)
    buttons = tuple(Button(answer, spoken.page[answer], quiet=True) for answer in answers)
    is_own = newest.person == each.delivery.person
    by = spoken.page["recorded-more" if is_own else "recorded-by"].format(who=_role_of(newest, spoken, plain))
    says = (by, *((spoken.page["goes-out"],) if can_undo else ()))
    recorded = spoken.page["recorded"].format(name=spoken.names[spec.deed])
    return Sheet(recorded, says, buttons, done=True, language=plain.language)


def _role_of(record: Any, spoken: DeedWords, plain: Sheet) -> str:
    """Whoever recorded it: a page names nobody."""
    return role_names(plain.language).get(record.role) or spoken.page["another"]


def _recorded_of(duty: Duty) -> Query[Before]:
    def decode(rows: Rows) -> Before:
        newest = next((row for row in rows if row.undone_at is None), None)
        return Before(rows, newest, rows[0].number + 1 if rows else 0)

    return Query(RECORDED, {"duty": duty.duty}, decode)
