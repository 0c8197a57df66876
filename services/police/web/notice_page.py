"""Shows a notice to an officer of a force without an API, and takes the same acknowledgement as the API."""

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
from services.safeguarding.child_events.events import ReferenceKind, RiskGrade
from services.safeguarding.identifiers import derived

READ, HAVE_IT = "read", "have-it"
KINDS = {
    ReferenceKind.INCIDENT: "Incident",
    ReferenceKind.MISSING_PERSON: "Missing person",
    ReferenceKind.INFORMATION_ONLY: "Information only",
}
GRADES = {
    RiskGrade.NO_APPARENT_RISK: "No apparent risk",
    RiskGrade.LOW: "Low",
    RiskGrade.MEDIUM: "Medium",
    RiskGrade.HIGH: "High",
}
NEEDED = {"name": "The officer's name is needed.", "collar": "The collar or warrant number is needed."}
ONE_LINE = "Letters, digits and signs on one line."
NO_REFERENCE = "The reference is needed."
TOO_LONG = "At most 120 characters."
OVER = Sheet(
    "This is over",
    ("The notice was withdrawn before anybody read it. You need do nothing.",),
)


@dataclass(frozen=True)
class NoticePage:
    """Opening the link shows only that there is a notice, since mail scanners open links. A button opens the notice."""

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
            return _superseded_sheet(found, Form(""), {}) if await is_superseded(uow, found) else _cover_sheet(found)

    async def acts(self, delivery: UUID, form: Form) -> Sheet | None:
        async with self.store.transaction() as uow:
            found = await load(uow, self.keyring, delivery)
            if found is None:
                return None
            if found.state is State.WITHDRAWN:
                return OVER
            superseded = await is_superseded(uow, found)
            if form.answer == HAVE_IT:
                return await self._acknowledge(uow, found, form, superseded=superseded)
            if superseded:
                return _superseded_sheet(found, Form(""), {})
            if form.answer != READ:
                return _cover_sheet(found)
            fields = fields_of(found.notice)
            record_reading(uow, found, "notice-page", fields)
        return _notice_sheet(found, Form(""), {})

    async def _acknowledge(self, uow: UnitOfWork, found: LinkedNotice, form: Form, *, superseded: bool) -> Sheet:
        """A superseded notice takes only a reference. An officer already filling in the form is still recorded."""
        first = found.state is not State.ACKNOWLEDGED and (
            not superseded or bool(form.one("name") or form.one("collar"))
        )
        wrong = {name: wanted for name, wanted in NEEDED.items() if first and not form.one(name)}
        if superseded and not first and not form.one("reference") and not form.one("closed"):
            wrong["reference"] = NO_REFERENCE
        wrong |= {name: TOO_LONG for name in ("name", "collar", "reference") if len(form.one(name)) > 120}
        if not wrong:
            try:
                replies = _replies(found, form, self.clocks.wall(), first=first)
            except ValidationError as error:
                wrong = {_form_field(each["loc"]): ONE_LINE for each in error.errors(include_input=False)}
            else:
                await self._take(uow, found, replies)
                return _thanks_sheet(found)
        return _superseded_sheet(found, form, wrong) if superseded else _notice_sheet(found, form, wrong)

    async def _take(self, uow: UnitOfWork, found: LinkedNotice, replies: list[Reply]) -> None:
        delivery = found.delivery
        if delivery.duty is None:
            await connection_test.acknowledge_test(uow, delivery, self.clocks.wall())
            return
        for reply in replies:
            service = ReplyService(
                keyring=self.keyring,
                uow=uow,
                force=force_of(delivery) or "",
                reply_id=_reply_id(delivery.id, reply, self.clocks.story()),
                delivery=delivery,
                duty=delivery.duty,
                at=self.clocks.story(),
                now=self.clocks.wall(),
                how="page",
            )
            await service.take(reply)


def _form_field(place: tuple[int | str, ...]) -> str:
    """The form's field for a field of a reply."""
    return {"name": "name", "collar_number": "collar"}.get(str(place[-1]), "reference")


def _reply_id(delivery: UUID, reply: Reply, now: datetime) -> str:
    """A page that is sent twice is one reply; the same said on another day is another. `now` is story time."""
    return f"page-{derived('page', str(delivery), f'{now:%Y-%m-%d}', reply.type, reply.data.model_dump_json())}"


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


def _cover_sheet(found: LinkedNotice) -> Sheet:
    data = found.notice.data
    has_it = found.state is State.ACKNOWLEDGED
    said = "An officer has said that they have it." if has_it else "No officer has said yet that they have it."
    ring = f"{data.sender.name} answers at any hour: {data.sender.telephone}."
    mark = ("This is an EXERCISE.",) if data.exercise else ()
    opens = "It opens for police alone. That it was opened is recorded."
    return Sheet("A notice for your control room", (*mark, said, opens, ring), (Button(READ, "Read the notice"),))


def _notice_sheet(found: LinkedNotice, form: Form, wrong: dict[str, str]) -> Sheet:
    data = found.notice.data
    first = found.state is not State.ACKNOWLEDGED
    mark = ("This is an EXERCISE.",) if data.exercise else ()
    faults = (f"NOT RECORDED YET. {' '.join(wrong.values())} At the foot of this page.",) if wrong else ()
    asks = "At the foot of this page, say who has it." if first else "An officer has said that they have it."
    return Sheet(
        headline(data),
        (*faults, *mark, f"{data.handling}. {data.sharing_basis}.", asks),
        (Button(HAVE_IT, "I have it" if first else "Record it"),),
        sections=sections(found.notice),
        asks=(_questions(form, wrong, first=first),),
        links=() if data.details is None else ((_link_text(data.details.holds), data.details.url),),
    )


def _superseded_sheet(found: LinkedNotice, form: Form, wrong: dict[str, str]) -> Sheet:
    """Shows nothing of the child, since the search is over: our name for the notice, and a field for the reference."""
    data = found.notice.data
    mark = ("This is an EXERCISE.",) if data.exercise else ()
    faults = (f"NOT RECORDED YET. {' '.join(wrong.values())}",) if wrong else ()
    over = "The search for the child is over, so the notice is closed. Ring the authority if you need it: its number is in the email."
    return Sheet(
        "This is over",
        (*faults, *mark, f"The notice said: {headline(data)}.", over, our_name(data)),
        (Button(HAVE_IT, "Record it"),),
        asks=(_questions(form, wrong, first=bool(wrong.keys() & NEEDED.keys())),),
    )


def _link_text(holds: tuple[str, ...]) -> str:
    """Names the fields behind the link."""
    named = [label(each.rpartition(".")[2]) for each in holds]
    return f"Open: {', '.join(named).lower()}"


def _questions(form: Form, wrong: dict[str, str], *, first: bool) -> Group:
    """Asks for the officer once; for the reference also later."""
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
    grades = tuple(Choice(grade, said, chosen=form.one("grade") == grade) for grade, said in GRADES.items())
    closed = Choice("yes", "We have closed our missing investigation", chosen=bool(form.one("closed")))
    rest = (
        reference,
        Field("kind", "Kind of reference", "list", choices=kinds),
        Field("grade", "Your risk grade", "list", hint="When it is set, or has changed.", choices=grades),
        Field("closed", "Closed", "any-of", choices=(closed,)),
    )
    return Group((*who, *rest), "Who has it") if first else Group(rest, "Your reference, grade or closing")


def _thanks_sheet(found: LinkedNotice) -> Sheet:
    ring = f"{found.notice.data.sender.name} answers at any hour: {found.notice.data.sender.telephone}."
    more = "You can add a reference, a grade or the closing here later, from the link in the email."
    return Sheet(
        "Thank you. It is recorded that you have it",
        (more, ring),
        (Button(READ, "Read it again, or add a reference, a grade or the closing", quiet=True),),
        done=True,
    )
