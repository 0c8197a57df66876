"""Duty staff report and identify by text, on a real PostgreSQL: for their authority's children, by code, and are told what came of it."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.carers.store import child_status
from services.platform.delivery.model import Delivery
from services.platform.delivery.queue.repository import put
from services.platform.messages.envelope import Received
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Origin, Store
from services.safeguarding.child_events import events
from services.safeguarding.child_events.care_events import ChildIdentified
from services.safeguarding.duty.duties import Because, CarerAlert, ProfessionalNotify
from services.safeguarding.identifiers import code_of, is_provisional, provisional_child
from services.safeguarding.roles import Channel, Role, Wording
from tests.support.engines.database import Database
from tests.support.engines.round_trips import round_trips
from tests.support.in_process.carers import Carers, Kestrel, kinds
from tests.support.in_process.register import authority, fresh_number, load
from tests.support.outside.confirmation import CONFIRM

CODE = re.compile(r" \((?:no\. )?\w{5}\)$")


async def answer(service: Carers, kestrel: Kestrel, person: str = "boss") -> str:
    return CODE.sub("", (await service.replies_to(kestrel.phone(person)))[-1])


async def told_of(service: Carers, kestrel: Kestrel, child: str, person: str = "boss") -> str:
    """The code at the end of a text that told that person's phone of the child."""
    duty = CarerAlert(
        duty=uuid4(), step=0, revision=1, because=Because.FIRST, authority=kestrel.document["authority"]["id"], episode=uuid4(),
        role=Role.CARER_REPORTING, person=kestrel.ids[person], channel=Channel.TEXT, wording=Wording("missing-notice"),
        rule="a-rule", protocol="a protocol", cites=("S57",), created_at=datetime.now(UTC),
    )  # fmt: skip
    heard = Received(source="/safe-return/protocol", id=str(uuid4()), subject=child, time=duty.created_at, content=duty)
    async with service.store.transaction() as uow:
        await service.handlers.on_carer_alert(heard, uow)
        await uow.connection.execute(
            text("UPDATE delivery.deliveries SET number_hash = :n WHERE duty = :d"),
            {"n": service.keyring.number_hash(kestrel.phone(person)), "d": duty.duty},
        )
    return code_of(duty.telling)


async def test_a_report_by_code_is_as_a_carers_and_the_answer_names_the_child_as_it_was_understood(
    service: Carers, kestrel: Kestrel
) -> None:
    (said,) = await service.says(kestrel.phone("boss"), "MISSING C11")
    assert said.subject == kestrel.ids["C11"]
    assert said.content == events.ChildReportedMissing(
        authority=kestrel.document["authority"]["id"],
        said_by=kestrel.ids["boss"],
        channel="text",
        placement=kestrel.ids["home"],
        words=getattr(said.content, "words", ()),
    )
    assert (await answer(service, kestrel)).startswith("C11 is recorded as missing")


async def test_of_a_child_without_a_placement_police_are_not_said_to_be_told(
    service: Carers, kestrel: Kestrel, database: Database, keyring: Keyring
) -> None:
    row = next(each for each in kestrel.document["children"] if each["code"] == "C11")
    row["placement"] = None
    engine = database.engine("casework")
    await load(engine, keyring, kestrel.document, datetime.now(UTC))
    await engine.dispose()
    (said,) = await service.says(kestrel.phone("boss"), "MISSING C11")
    assert said.subject == kestrel.ids["C11"]
    assert "police are NOT told yet" in await answer(service, kestrel)


@pytest.mark.parametrize(("words", "kind"), [("C11 seen at the bus station", "child.information-received.v1"), ("C11 REF 44712", "police.reference-texted.v1")])  # fmt: skip
async def test_news_of_a_child_by_its_code_is_that_childs(
    service: Carers, kestrel: Kestrel, words: str, kind: str
) -> None:
    (said,) = await service.says(kestrel.phone("boss"), words)
    assert (said.subject, said.content.kind) == (kestrel.ids["C11"], kind)


async def test_a_code_that_their_authority_does_not_have_touches_no_child_and_a_person_hears(
    service: Carers, kestrel: Kestrel, database: Database, keyring: Keyring
) -> None:
    other = authority()
    other["children"] = [{**each, "code": f"C8{each['code'][1:]}"} for each in other["children"]]
    engine = database.engine("casework")
    theirs = await load(engine, keyring, other, datetime(2026, 11, 24, tzinfo=UTC))
    await engine.dispose()
    for code in ("C99", "C811"):
        said = await service.says(kestrel.phone("boss"), f"MISSING {code}")
        assert kinds(said) == ["child.reported-missing.v1", "child.provisional.v1"]
        assert all(is_provisional(each.subject) for each in said)
        assert not set(getattr(said[0].content, "candidates", ())) & set(theirs.values())
        assert (await answer(service, kestrel)).startswith("No child you may name has that code")
        back = await service.says(kestrel.phone("boss"), f"{code} is back")
        assert kinds(back) == ["text.needs-human.v1"]
        assert "nothing is reported" in await answer(service, kestrel)


async def test_without_a_code_a_person_finds_out_and_police_are_not_said_to_be_told(
    service: Carers, kestrel: Kestrel
) -> None:
    said = await service.says(kestrel.phone("boss"), "a girl has gone missing")
    assert kinds(said) == ["child.reported-missing.v1", "child.provisional.v1"]
    assert "Police are NOT told by this" in await answer(service, kestrel)


async def test_another_professional_names_their_own_child_alone(
    service: Carers, kestrel: Kestrel, database: Database, keyring: Keyring
) -> None:
    """Need to know: not on duty, they are in the directory for one child, or for none."""
    document = kestrel.document
    line = next(each for each in document["directory"] if each["role"] == "child.social-worker")
    document["people"].append({**document["people"][0], "reference": "nurse", "mobile": fresh_number()})
    document["directory"].append({**line, "role": "child.health-practitioner", "person": "nurse", "child": None})
    engine = database.engine("casework")
    ids = await load(engine, keyring, document, datetime.now(UTC))
    await engine.dispose()
    phones = Kestrel(document, ids)
    (own,) = await service.says(phones.phone("worker"), "MISSING C1")
    assert own.subject == ids["C1"]
    for person, code in (("worker", "C2"), ("nurse", "C1")):
        said = await service.says(phones.phone(person), f"MISSING {code}")
        assert all(is_provisional(each.subject) for each in said)


async def test_who_the_unknown_child_is_is_said_by_two_codes_and_acknowledges_the_telling(
    service: Carers, kestrel: Kestrel
) -> None:
    unknown = provisional_child(str(uuid4()))
    code = await told_of(service, kestrel, unknown)
    said = await service.says(kestrel.phone("boss"), f"{code} it is C11")
    assert kinds(said) == ["child.identified.v1", "duty.acknowledged.v1"]
    assert {each.subject for each in said} == {unknown}
    identified = said[0].content
    assert isinstance(identified, ChildIdentified)
    assert (identified.child, identified.said_by) == (kestrel.ids["C11"], kestrel.ids["boss"])
    assert (await answer(service, kestrel)).startswith("Recorded: the child is C11.")


@pytest.mark.parametrize(
    "words", ["{} it is C99", "{} it is not C11", "{} is it C11?", "{} C11 or C12", "{} it may be C11", "{} C77"]
)
async def test_what_does_not_plainly_say_who_it_is_identifies_nobody_and_a_person_reads_it(
    service: Carers, kestrel: Kestrel, words: str
) -> None:
    unknown = provisional_child(str(uuid4()))
    code = await told_of(service, kestrel, unknown)
    said = await service.says(kestrel.phone("boss"), words.format(code))
    assert "child.identified.v1" not in kinds(said)
    (read,) = _read_by_a_person(said)
    assert (read.subject, getattr(read.content, "reason", None)) == (unknown, "which-child")
    assert re.search(r"could not be sure who|nothing is reported", await answer(service, kestrel))


async def test_that_a_second_child_is_missing_makes_one_of_no_two(service: Carers, kestrel: Kestrel) -> None:
    unknown = provisional_child(str(uuid4()))
    code = await told_of(service, kestrel, unknown)
    said = await service.says(kestrel.phone("boss"), f"{code} C11 is missing")
    assert "child.identified.v1" not in kinds(said)
    assert [each.subject for each in said if each.content.kind == "child.reported-missing.v1"] == [kestrel.ids["C11"]]
    assert _read_by_a_person(said)


async def test_of_a_known_childs_telling_another_childs_report_is_the_others(service: Carers, kestrel: Kestrel) -> None:
    code = await told_of(service, kestrel, kestrel.ids["C9"])
    said = await service.says(kestrel.phone("boss"), f"OK {code} and C11 is missing")
    assert [each.subject for each in said if each.content.kind == "child.reported-missing.v1"] == [kestrel.ids["C11"]]
    late = await service.says(kestrel.phone("boss"), f"{code} C11 is back")
    assert "child.returned.v1" not in kinds(late)
    assert _read_by_a_person(late)


async def test_once_it_is_said_who_it_is_the_carer_s_report_goes_on_under_that_name(
    service: Carers, kestrel: Kestrel
) -> None:
    said = await service.says(kestrel.phone("resi"), "one of the girls has run off")
    unknown = said[0].subject
    code = await told_of(service, kestrel, unknown)
    await service.says(kestrel.phone("boss"), f"{code} it is C11")
    async with service.store.engine.connect() as connection:
        found = await connection.scalar(
            text("SELECT child FROM carers.provisionals WHERE provisional = :p"), {"p": unknown}
        )
    assert found == kestrel.ids["C11"]


async def test_a_report_by_code_costs_no_round_trip_more_than_a_carers(service: Carers, kestrel: Kestrel) -> None:
    await service.says(kestrel.phone("boss"), "ring me")
    await service.text(kestrel.phone("boss"), "MISSING C11")
    with round_trips(service.store.engine) as trips:
        await service.worker._turn()
        assert trips.count <= 5, trips.statements


def _read_by_a_person(said: list[Received[Any]]) -> list[Received[Any]]:
    return [each for each in said if isinstance(each.content, events.TextNeedsHuman)]


async def test_back_of_a_child_by_its_code_is_a_claim_until_the_code_comes_back(
    service: Carers, kestrel: Kestrel
) -> None:
    phone = kestrel.phone("boss")
    await service.says(phone, "MISSING C11")
    (claimed,) = await service.says(phone, "C11 is back")
    assert (claimed.subject, claimed.content.kind) == (kestrel.ids["C11"], "child.return-claimed.v1")
    code = CONFIRM.search((await service.replies_to(phone))[-1])
    assert code is not None
    (returned,) = await service.says(phone, f"{code[0]} C11")
    assert (returned.subject, returned.content.kind) == (kestrel.ids["C11"], "child.returned.v1")


async def told_on_duty(
    service: Carers, kestrel: Kestrel, database: Database, code: str, state: str = "accepted", **about: Any
) -> ProfessionalNotify:
    """As professionals keep what they have sent."""
    duty = ProfessionalNotify(
        duty=uuid4(), step=0, revision=1, because=Because.FIRST, authority=kestrel.document["authority"]["id"], episode=uuid4(),
        role=Role.DUTY_WORKER, channel=Channel.TEXT, wording=Wording("missing-notice"), rule="a-rule", protocol="a protocol",
        cites=("S57",), created_at=datetime.now(UTC), **about,
    )  # fmt: skip
    heard = Received(
        source="/safe-return/protocol", id=str(uuid4()), subject=kestrel.ids[code], time=duty.created_at, content=duty
    )
    engine = database.engine("professionals")
    store = Store(engine, origin=Origin("professionals", service.worker._clocks))
    person = kestrel.ids["boss"]
    async with store.transaction() as uow:
        delivery = Delivery.of(heard, lane="texts", now=duty.created_at, person=person)
        await put(uow, "professionals", delivery, service.keyring, None)
        await uow.connection.execute(
            text("UPDATE delivery.deliveries SET state = :s WHERE duty = :d"), {"s": state, "d": duty.duty}
        )
    await engine.dispose()
    return duty


async def test_an_ok_answers_all_that_is_open_about_the_child_and_the_reply_says_what_is_left(
    service: Carers, kestrel: Kestrel, database: Database
) -> None:
    first = await told_on_duty(service, kestrel, database, "C11")
    second = await told_on_duty(service, kestrel, database, "C11", "delivered", deed="return-interview")
    other = await told_on_duty(service, kestrel, database, "C12")
    await told_on_duty(service, kestrel, database, "C12", "acknowledged")
    await told_on_duty(service, kestrel, database, "C12", "failed")
    said = await service.says(kestrel.phone("boss"), "OK")
    assert said == []
    assert (await answer(service, kestrel)).startswith("Which? C12, C11.")
    said = await service.says(kestrel.phone("boss"), "ok c11")
    assert {each.content.duty for each in said} == {first.duty, second.duty}  # type: ignore[attr-defined]
    assert len({each.id for each in said}) == 2
    assert await answer(service, kestrel) == (
        "Noted: you have C11. Still to be done: record it in the console. Still open: C12. OK and the code, or OK ALL."
    )
    said = await service.says(kestrel.phone("boss"), "OK ALL")
    assert other.duty in {each.content.duty for each in said}  # type: ignore[attr-defined]


async def test_nobody_answers_what_they_were_told_after_their_text(
    service: Carers, kestrel: Kestrel, database: Database
) -> None:
    first, later = [await told_on_duty(service, kestrel, database, "C11") for _ in range(2)]
    engine = database.engine("professionals")
    async with engine.begin() as connection:
        await connection.execute(
            text("UPDATE delivery.deliveries SET created_at = created_at + interval '1 hour' WHERE duty = :d"),
            {"d": later.duty},
        )
    await engine.dispose()
    said = await service.says(kestrel.phone("boss"), "OK")
    assert [each.content.duty for each in said] == [first.duty]  # type: ignore[attr-defined]


async def test_what_was_taken_a_moment_ago_is_not_said_to_be_open_before_professionals_have_heard_of_it(
    service: Carers, kestrel: Kestrel, database: Database
) -> None:
    for code in ("C11", "C12", "C9"):
        await told_on_duty(service, kestrel, database, code)
    await service.says(kestrel.phone("boss"), "OK C11")
    assert (await answer(service, kestrel)).startswith("You have C11. Details are in the console. Still open: C9, C12.")
    assert kinds(await service.says(kestrel.phone("boss"), "OK C12")) == ["duty.acknowledged.v1"]
    assert (await answer(service, kestrel)).startswith("You have C12. Details are in the console. Still open: C9.")
    assert kinds(await service.says(kestrel.phone("boss"), "OK C11")) == ["duty.acknowledged.v1"]
    await told_on_duty(service, kestrel, database, "C11")
    await service.says(kestrel.phone("boss"), "OK C9")
    assert "Still open: C11." in await answer(service, kestrel), "what was told since is open"


@pytest.mark.parametrize("state", ["missing", "located", "returned", None])
async def test_a_no_to_a_child_s_code_reports_nobody_and_leaves_what_is_open_unanswered(
    service: Carers, kestrel: Kestrel, database: Database, state: str | None
) -> None:
    await told_on_duty(service, kestrel, database, "C11")
    async with service.store.transaction() as uow:
        child_status.record_text(uow, kestrel.ids["C11"], state, datetime.now(UTC))
    [read] = await service.says(kestrel.phone("boss"), "NO C11")
    assert (read.subject, read.content.kind) == (kestrel.ids["C11"], "text.needs-human.v1")
    assert (await answer(service, kestrel)).startswith("Not taken: it counts as unanswered")
    assert kinds(await service.says(kestrel.phone("boss"), "OK C11")) == ["duty.acknowledged.v1"]


async def test_nobody_answers_what_another_was_told(service: Carers, kestrel: Kestrel, database: Database) -> None:
    await told_on_duty(service, kestrel, database, "C11")
    assert await service.says(kestrel.phone("worker"), "OK ALL") == []
