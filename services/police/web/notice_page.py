"""The page of a notice, for a force without an API: an officer reads it, and says who has it. The same acknowledgement as by API."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import ValidationError

from services.platform.delivery.links.forms import Choice, Field, Form, Group
from services.platform.delivery.links.pages import Button, Sheet
from services.platform.delivery.model import State
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.police.notices import connection_test
from services.police.notices.sender import force_of
from services.police.notices.wording import fields_of, headline, label, our_name, sections
from services.police.replies.schema import Officer, Reply, ReplyData, ReplyType
from services.police.replies.service import ReplyService
from services.police.web.linked_notice import LinkedNotice, is_superseded, load, record_reading
from services.safeguarding.child_events.events import ReferenceKind

READ, HAVE_IT = "read", "have-it"
KINDS = {
    ReferenceKind.INCIDENT: "Incident",
    ReferenceKind.MISSING_PERSON: "Missing person",
    ReferenceKind.INFORMATION_ONLY: "Information only",
}
NEEDED = {"name": "The officer's name is needed.", "collar": "The collar or warrant number is needed."}
ONE_LINE = "Letters, digits and signs on one line."
NO_REFERENCE = "The reference is needed."
TOO_LONG = "At most 120 characters."
OVER = Sheet(
    "This is over",
    ("The notice was called back before it was read. There is nothing for you to do.",),
)


@dataclass(frozen=True)
class NoticePage:
    """Opening the link shows that there is a notice, and nothing of it: mail scanners open links. A button opens the notice."""

    store: Store
    clocks: Clocks
    keyring: Keyring

    async def shows(self, delivery: UUID) -> Sheet | None:
        async with self.store.transaction() as uow:
            found = await load(uow, self.keyring, delivery)
            if found is None:
                return None
            if found.state is State.WITHDRAWN:
                return OVER
            return _past(found, Form(""), {}) if await is_superseded(uow, found) else _closed_envelope(found)

    async def acts(self, delivery: UUID, form: Form) -> Sheet | None:
        async with self.store.transaction() as uow:
            found = await load(uow, self.keyring, delivery)
            if found is None:
                return None
            if found.state is State.WITHDRAWN:
                return OVER
            past = await is_superseded(uow, found)
            if form.answer == HAVE_IT:
                return await self._has_it(uow, found, form, past=past)
            if past:
                return _past(found, Form(""), {})
            if form.answer != READ:
                return _closed_envelope(found)
            fields = fields_of(found.notice)
            await record_reading(uow, found, "notice-page", fields)
        return _notice(found, Form(""), {})

    async def _has_it(self, uow: UnitOfWork, found: LinkedNotice, form: Form, *, past: bool) -> Sheet:
        """Of what is past a reference alone may be given; who was filling in the form meanwhile is recorded all the same."""
        first = found.state is not State.ACKNOWLEDGED and (not past or bool(form.one("name") or form.one("collar")))
        wrong = {name: wanted for name, wanted in NEEDED.items() if first and not form.one(name)}
        if past and not first and not form.one("reference"):
            wrong["reference"] = NO_REFERENCE
        wrong |= {name: TOO_LONG for name in ("name", "collar", "reference") if len(form.one(name)) > 120}
        if not wrong:
            try:
                reply = _reply(found, form, self.clocks.wall(), first=first)
            except ValidationError as error:
                wrong = {_filled_in(each["loc"]): ONE_LINE for each in error.errors(include_input=False)}
            else:
                await self._take(uow, found, reply)
                return _thanks(found)
        return _past(found, form, wrong) if past else _notice(found, form, wrong)

    async def _take(self, uow: UnitOfWork, found: LinkedNotice, reply: Reply | None) -> None:
        delivery = found.delivery
        if delivery.duty is None:
            await connection_test.answered(uow, delivery, self.clocks.wall())
        elif reply is not None:
            answering = ReplyService(
                keyring=self.keyring,
                uow=uow,
                force=force_of(delivery) or "",
                reply_id=f"page-{delivery.id}",
                delivery=delivery,
                duty=delivery.duty,
                at=self.clocks.story(),
                now=self.clocks.wall(),
                how="page",
            )
            await answering.take(reply)


def _filled_in(place: tuple[int | str, ...]) -> str:
    """The form's name for a field of a reply."""
    return {"name": "name", "collar_number": "collar"}.get(str(place[-1]), "reference")


def _reply(found: LinkedNotice, form: Form, now: datetime, *, first: bool) -> Reply | None:
    """The first says who has it; a later one may still give the reference."""
    reference = form.one("reference") or None
    if not first and reference is None:
        return None
    officer = Officer(name=form.one("name"), collar_number=form.one("collar")) if form.one("name") else None
    kind = form.one("kind")
    return Reply(
        type=ReplyType.ACKNOWLEDGED if first else ReplyType.REFERENCE_GIVEN,
        timestamp=now,
        data=ReplyData(
            notice=found.delivery.id,
            episode=found.notice.data.episode,
            officer=officer,
            reference=reference,
            reference_kind=ReferenceKind(kind) if kind in set(ReferenceKind) else ReferenceKind.INCIDENT,
        ),
    )


def _closed_envelope(found: LinkedNotice) -> Sheet:
    data = found.notice.data
    has_it = found.state is State.ACKNOWLEDGED
    said = "An officer has said that they have it." if has_it else "No officer has said yet that they have it."
    ring = f"{data.sender.name} answers at any hour: {data.sender.telephone}."
    mark = ("This is an EXERCISE.",) if data.exercise else ()
    opens = "It opens for police alone. That it was opened is recorded."
    return Sheet("A notice for your control room", (*mark, said, opens, ring), (Button(READ, "Read the notice"),))


def _notice(found: LinkedNotice, form: Form, wrong: dict[str, str]) -> Sheet:
    data = found.notice.data
    first = found.state is not State.ACKNOWLEDGED
    mark = ("This is an EXERCISE.",) if data.exercise else ()
    faults = (f"NOT RECORDED YET. {' '.join(wrong.values())} At the foot of this page.",) if wrong else ()
    asks = "At the foot of this page, say who has it." if first else "An officer has said that they have it."
    return Sheet(
        headline(data),
        (*faults, *mark, f"{data.handling}. {data.sharing_basis}.", asks),
        (Button(HAVE_IT, "I have it" if first else "Add the reference"),),
        sections=sections(found.notice),
        asks=(_asked(form, wrong, first=first),),
        links=() if data.details is None else ((_behind(data.details.holds), data.details.url),),
    )


def _past(found: LinkedNotice, form: Form, wrong: dict[str, str]) -> Sheet:
    """Nothing of the child, for whom nobody searches any more: only what both sides call it, and the place for a reference."""
    data = found.notice.data
    mark = ("This is an EXERCISE.",) if data.exercise else ()
    faults = (f"NOT RECORDED YET. {' '.join(wrong.values())}",) if wrong else ()
    over = "The child is no longer searched for, so the notice is closed. Ring the authority if you need it: its number is in the mail."
    return Sheet(
        "This is over",
        (*faults, *mark, f"The notice said: {headline(data)}.", over, our_name(data)),
        (Button(HAVE_IT, "Add the reference"),),
        asks=(_asked(form, wrong, first=bool(wrong.keys() & NEEDED.keys())),),
    )


def _behind(holds: tuple[str, ...]) -> str:
    """What the link leads to, by name."""
    named = [label(each.rpartition(".")[2]) for each in holds]
    return f"Open: {', '.join(named).lower()}"


def _asked(form: Form, wrong: dict[str, str], *, first: bool) -> Group:
    """Who has it, once; the reference also later."""
    kinds = tuple(Choice(kind, said, chosen=form.one("kind") == kind) for kind, said in KINDS.items())
    who = (
        Field("name", "Officer's name", "line", form.one("name"), wrong=wrong.get("name", "")),
        Field("collar", "Collar or warrant number", "line", form.one("collar"), wrong=wrong.get("collar", "")),
    )
    reference = Field(
        "reference",
        "Your reference",
        "line",
        form.one("reference"),
        hint="May follow later, on this page." if first else "",
        wrong=wrong.get("reference", ""),
    )
    rest = (reference, Field("kind", "Kind of reference", "list", choices=kinds))
    return Group((*who, *rest), "Who has it") if first else Group(rest, "Your reference for it")


def _thanks(found: LinkedNotice) -> Sheet:
    ring = f"{found.notice.data.sender.name} answers at any hour: {found.notice.data.sender.telephone}."
    more = "A reference that comes later can be added here, by the link in the mail."
    return Sheet(
        "Thank you. It is recorded that you have it",
        (more, ring),
        (Button(READ, "Read it again, or add a reference", quiet=True),),
        done=True,
    )
