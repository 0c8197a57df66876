"""`POST /texts/inbound` on a real PostgreSQL: from a phone's text to what is said on the bus and texted back."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.platform.store.encryption import Keyring
from services.safeguarding.child_events import events
from services.safeguarding.identifiers import is_provisional
from services.safeguarding.notice_fields import ReportQuestion
from tests.support.engines.database import Database
from tests.support.in_process.carers import OTHER_TOKEN, PUBLIC_URL, Carers, Kestrel, as_json, kinds
from tests.support.in_process.register import fresh_number, words_kept

CODE = re.compile(r" \((?:no\. )?\w{5}\)$")


async def test_a_carer_with_one_child_reports_it_missing_in_one_word(service: Carers, kestrel: Kestrel) -> None:
    said = await service.says(kestrel.phone("cat"), "MISSING")
    assert kinds(said) == ["child.reported-missing.v1"]
    content = said[0].content
    assert isinstance(content, events.ChildReportedMissing)
    assert (said[0].subject, content.said_by) == (kestrel.ids["C9"], kestrel.ids["cat"])
    assert len(content.words) == 1
    [reply] = await service.replies_to(kestrel.phone("cat"))
    assert "999" in reply
    assert CODE.search(reply)


async def test_when_the_child_was_last_seen_goes_with_the_report(service: Carers, kestrel: Kestrel) -> None:
    [said] = await service.says(kestrel.phone("cat"), "missing, last saw him two hours ago")
    assert isinstance(said.content, events.ChildReportedMissing)
    assert said.content.last_seen_at is not None
    assert said.time - said.content.last_seen_at == timedelta(hours=2)


async def test_the_answer_to_twilio_is_an_empty_response_in_xml(service: Carers, kestrel: Kestrel) -> None:
    answer = await service.text(kestrel.phone("cat"), "MISSING")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/xml")
    assert answer.text.endswith("<Response/>")


async def test_the_same_text_twice_has_one_effect(service: Carers, kestrel: Kestrel) -> None:
    first = await service.says(kestrel.phone("cat"), "MISSING", sid="SM" + "1" * 32 + kestrel.ids["C9"])
    again = await service.says(kestrel.phone("cat"), "MISSING", sid="SM" + "1" * 32 + kestrel.ids["C9"])
    assert (len(first), len(again)) == (1, 0)
    assert len(await service.replies_to(kestrel.phone("cat"))) == 1


async def test_a_text_without_a_name_from_a_home_of_six_is_one_report_and_the_answer_completes_it(
    service: Carers, kestrel: Kestrel
) -> None:
    said = await service.says(kestrel.phone("resi"), "one of the girls has run off")
    assert kinds(said) == ["child.reported-missing.v1", "child.provisional.v1"]
    report = said[0].content
    assert isinstance(report, events.ChildReportedMissing)
    assert is_provisional(said[0].subject)
    assert len(report.candidates) == 6
    assert report.placement == kestrel.ids["home"]
    answered = await service.says(kestrel.phone("resi"), "c-13")
    assert kinds(answered) == ["child.identified.v1", "child.information-received.v1"]
    assert {each.subject for each in answered} == {said[0].subject}
    assert getattr(answered[0].content, "child", None) == kestrel.ids["C13"]
    back = await service.says(kestrel.phone("resi"), "C13 is back")
    assert {each.subject for each in back} == {kestrel.ids["C13"], said[0].subject}
    assert set(kinds(back)) == {"child.return-claimed.v1"}
    confirmed = await service.confirms(kestrel.phone("resi"))
    assert {each.subject for each in confirmed} == {kestrel.ids["C13"], said[0].subject}
    assert set(kinds(confirmed)) == {"child.returned.v1"}


async def test_back_by_this_childs_carer_counts_once_confirmed_and_can_be_taken_back(
    service: Carers, kestrel: Kestrel
) -> None:
    phone = kestrel.phone("cat")
    await service.says(phone, "he's run off")
    [claimed] = await service.says(phone, "BACK")
    assert isinstance(claimed.content, events.ChildReturnClaimed)
    [returned] = await service.confirms(phone)
    assert isinstance(returned.content, events.ChildReturned)
    assert returned.content.proof == "handset"
    [taken_back] = await service.says(phone, "sorry, NOT BACK")
    assert isinstance(taken_back.content, events.ReportRetracted)
    assert taken_back.content.retracts == "return"
    [claimed] = await service.says(phone, "false alarm")
    assert isinstance(claimed.content, events.MissingRetractionClaimed)
    [false_alarm] = await service.confirms(phone)
    assert isinstance(false_alarm.content, events.ReportRetracted)
    assert (taken_back.content.proof, false_alarm.content.proof) == (None, "handset")
    assert false_alarm.content.retracts == "missing"


async def test_two_codes_are_two_reports(service: Carers, kestrel: Kestrel) -> None:
    said = await service.says(kestrel.phone("ash"), "C1 and C2 missing")
    assert [(each.content.kind, each.subject) for each in said] == [
        ("child.reported-missing.v1", kestrel.ids["C1"]),
        ("child.reported-missing.v1", kestrel.ids["C2"]),
    ]


async def test_one_back_and_one_missing_in_one_text_are_told_apart(service: Carers, kestrel: Kestrel) -> None:
    await service.says(kestrel.phone("ash"), "both missing")
    said = await service.says(kestrel.phone("ash"), "C1 is back but C2 still missing")
    assert {(each.content.kind, each.subject) for each in said} == {
        ("child.return-claimed.v1", kestrel.ids["C1"]),
        ("child.reported-missing.v1", kestrel.ids["C2"]),
    }


async def test_an_unknown_number_has_one_safe_answer_in_four_weeks_and_a_person_reads_every_text(
    service: Carers, kestrel: Kestrel
) -> None:
    stranger = fresh_number()
    for body in ("MISSING C9", "hello", "BACK"):
        [said] = await service.says(stranger, body)
        assert isinstance(said.content, events.TextNeedsHuman)
        assert said.content.reason == "unknown-sender"
        assert is_provisional(said.subject)
    [reply] = await service.replies_to(stranger)
    assert "+441632960100" in reply


async def test_a_person_is_told_in_which_language_a_text_is(service: Carers, kestrel: Kestrel) -> None:
    for body, language in (("nuk e gjej dot djalin, ndihme", "sq"), ("hello", None)):
        [said] = await service.says(fresh_number(), body)
        assert isinstance(said.content, events.TextNeedsHuman)
        assert said.content.language == language


async def test_a_location_enquiry_is_refused_and_passed_on(service: Carers, kestrel: Kestrel) -> None:
    stranger = fresh_number()
    [said] = await service.says(stranger, "where is Amara living now? i am her uncle")
    assert said.content.kind == "location.enquiry-received.v1"
    unknown = fresh_number()
    await service.says(unknown, "hello")
    assert [CODE.sub("", each) for each in await service.replies_to(stranger)] == [
        CODE.sub("", each) for each in await service.replies_to(unknown)
    ]


async def test_the_words_are_kept_sealed_and_travel_nowhere_in_the_clear(service: Carers, kestrel: Kestrel) -> None:
    secret = "wearing a very particular orange anorak"
    await service.says(kestrel.phone("cat"), f"MISSING {secret}")
    async with service.store.engine.connect() as connection:
        for table, column in (("outbox", "envelope"), ("texts_in", "body"), ("delivery.deliveries", "body")):
            rows = await connection.execute(text(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL"))
            assert not any(b"anorak" in bytes(row[0]) for row in rows)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 200),
        ({"token": OTHER_TOKEN}, 200),
        ({"url": f"{PUBLIC_URL}:443/texts/inbound"}, 200),
        ({"token": "stolen"}, 403),
        ({"url": "http://127.0.0.1:8102/texts/inbound"}, 403),
        ({"signature": "AAAA"}, 403),
        ({"signature": " "}, 403),
    ],
    ids=["primary token", "alternate token", "with the port", "wrong token", "private URL", "nonsense", "blank"],
)
async def test_only_twilio_may_text(service: Carers, kestrel: Kestrel, changes: dict[str, str], status: int) -> None:
    answer = await service.text(kestrel.phone("cat"), "status", **changes)
    assert answer.status_code == status
    if status == 403:
        assert as_json(answer)["field"] == "x-twilio-signature"


async def test_a_blank_field_counts_in_the_signature(service: Carers, kestrel: Kestrel) -> None:
    assert (await service.text(kestrel.phone("cat"), "status", FromCity="")).status_code == 200


async def test_a_request_without_a_signature_is_refused(service: Carers) -> None:
    assert (await service.client.post("/texts/inbound", data={"From": "+447700900001"})).status_code == 403


@pytest.mark.parametrize("field", ["MessageSid", "From"])
async def test_a_form_without_what_makes_a_text_is_refused_by_name(
    service: Carers, kestrel: Kestrel, field: str
) -> None:
    answer = await service.text(kestrel.phone("cat"), "status", **{field: None})
    assert (answer.status_code, as_json(answer)["field"]) == (400, field)


async def test_a_body_over_its_limit_and_another_type_are_refused(service: Carers) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    big = await service.client.post("/texts/inbound", content=b"Body=" + b"a" * 70_000, headers=form)
    json = await service.client.post("/texts/inbound", content=b"{}", headers={"content-type": "application/json"})
    broken = await service.client.post("/texts/inbound", content=b"Body=%ff%fe", headers=form)
    assert [each.status_code for each in (big, json, broken)] == [413, 415, 403]


async def test_a_text_that_our_code_fails_at_goes_to_a_person_and_the_senders_next_text_goes_on(
    service: Carers, kestrel: Kestrel
) -> None:
    phone = kestrel.phone("cat")
    await service.text(phone, "MISSING", sid=f"SMbad{kestrel.ids['C9']}")
    async with service.store.engine.begin() as connection:
        await connection.execute(
            text("UPDATE texts_in SET body = 'broken' WHERE message_sid = :s"), {"s": f"SMbad{kestrel.ids['C9']}"}
        )
        await connection.execute(text("UPDATE texts_in SET tries = 2 WHERE worked_at IS NULL"))
    before = await service.last_position()
    await service.text(phone, "BACK")
    await service.work()
    assert kinds(await service.said_after(before)) == ["text.needs-human.v1", "child.return-claimed.v1"]


async def as_kept(database: Database, keyring: Keyring, ids: tuple[str, ...]) -> dict[str | None, str]:
    """The words, by the question that they answer; None for the whole text."""
    return {each.answers: each.text for each in await words_kept(database, keyring, ids)}


async def test_what_a_carer_texts_after_the_report_joins_it_as_answers_to_what_police_ask(
    service: Carers, kestrel: Kestrel, database: Database, keyring: Keyring
) -> None:
    phone = kestrel.phone("cat")
    [reported] = await service.says(phone, "MISSING. He has taken his rucksack")
    body = "Blue anorak and jeans. He was at the bus station with a friend of his"
    [more] = await service.says(phone, body)
    assert isinstance(reported.content, events.ChildReportedMissing)
    assert isinstance(more.content, events.ChildInformationReceived)
    assert reported.subject == more.subject
    assert await as_kept(database, keyring, reported.content.words) == {
        None: "MISSING. He has taken his rucksack",
        ReportQuestion("items_taken"): "He has taken his rucksack",
    }
    second = "He was at the bus station with a friend of his"
    assert await as_kept(database, keyring, more.content.words) == {
        None: body,
        ReportQuestion("clothing"): "Blue anorak and jeans",
        ReportQuestion("last_seen_place"): second,
        ReportQuestion("companions"): second,
    }


async def test_of_two_children_in_one_text_nobody_can_tell_whose_clothes_are_whose(
    service: Carers, kestrel: Kestrel, database: Database, keyring: Keyring
) -> None:
    said = await service.says(kestrel.phone("ash"), "C1 and C2 missing. One wears a red coat")
    for each in said:
        assert isinstance(each.content, events.ChildReportedMissing)
        kept = await as_kept(database, keyring, each.content.words)
        assert kept == {None: "C1 and C2 missing. One wears a red coat"}


async def test_a_text_with_nul_wherever_it_is_is_read_without(service: Carers, kestrel: Kestrel) -> None:
    said = await service.says(kestrel.phone("resi"), "MISSING\x00", sid=f"SM\x00{uuid4().hex}")
    assert "child.reported-missing.v1" in kinds(said)
