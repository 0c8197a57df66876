"""Somebody rings our number: key 1 is a text MISSING, and what is spoken is a text that a person reads. On a real PostgreSQL."""

from uuid import uuid4

import pytest

from infra.sandbox.calls import action_of, words_of
from services.safeguarding.child_events import events
from tests.support.engines.database import Database
from tests.support.in_process.carers import Carers, Kestrel, kinds
from tests.support.in_process.register import fresh_number, words_kept

RECORDING = "https://api.twilio.com/2010-04-01/Accounts/AC0/Recordings/RE1"


async def test_the_line_says_what_to_press_and_listens_to_whoever_presses_nothing(service: Carers) -> None:
    answer = await service.call("inbound", fresh_number(), CallSid="CA1")
    assert answer.headers["content-type"].startswith("text/xml")
    assert "ring 9 9 9" in words_of(answer.text)
    assert str(action_of(answer.text, "Gather")).endswith("/calls/choice#rc=5&rp=all&rt=5000")
    assert str(action_of(answer.text, "Record")).endswith("/calls/recording#rc=5&rp=all&rt=5000")


async def test_a_carer_who_presses_1_has_sent_missing_once(service: Carers, kestrel: Kestrel) -> None:
    before, call = await service.last_position(), f"CA{uuid4().hex}"
    for _ in range(2):
        answer = await service.call("choice", kestrel.phone("cat"), CallSid=call, Digits="1")
        assert "Your report is recorded" in words_of(answer.text)
        assert action_of(answer.text, "Record") is not None
    await service.work()
    [said] = await service.said_after(before)
    assert (said.content.kind, said.subject) == ("child.reported-missing.v1", kestrel.ids["C9"])
    assert len(await service.replies_to(kestrel.phone("cat"))) == 1


@pytest.mark.parametrize("caller", ["cat", None], ids=["a carer", "nobody known"])
async def test_what_is_spoken_is_a_person_s_to_hear_with_a_link_to_it(
    service: Carers, kestrel: Kestrel, database: Database, caller: str | None
) -> None:
    before, recording = await service.last_position(), f"RE{uuid4().hex}"
    number = kestrel.phone(caller) if caller else fresh_number()
    for _ in range(2):
        answer = await service.call("recording", number, RecordingSid=recording, RecordingUrl=RECORDING)
        assert "What you said is recorded" in answer.text
    await service.work()
    said = await service.said_after(before)
    assert kinds(said) == ["text.needs-human.v1"]
    assert isinstance(said[0].content, events.TextNeedsHuman)
    [kept] = await words_kept(database, service.keyring, said[0].content.words)
    assert kept.text == RECORDING


@pytest.mark.parametrize("withheld", ["+266696687", "anonymous", ""])
async def test_two_callers_who_withhold_their_numbers_report_two_children(service: Carers, withheld: str) -> None:
    before, subjects = await service.last_position(), list[str]()
    for call in (f"CA{uuid4().hex}", f"CA{uuid4().hex}"):
        answer = await service.call("choice", withheld, CallSid=call, Digits="1")
        assert "Your report is recorded" in words_of(answer.text)
        recorded = {"RecordingSid": f"RE{uuid4().hex}", "RecordingUrl": RECORDING}
        await service.call("recording", withheld, CallSid=call, **recorded)
        await service.work()
        said = await service.said_after(before)
        assert kinds(said) == ["text.needs-human.v1"] * 2
        [subject] = {each.subject for each in said}
        subjects.append(subject)
        before = await service.last_position()
    assert subjects[0] != subjects[1]
    assert await service.replies_to(withheld) == []


@pytest.mark.parametrize("path", ["inbound", "choice", "recording"])
async def test_only_twilio_is_answered(service: Carers, kestrel: Kestrel, path: str) -> None:
    before = await service.last_position()
    assert (await service.call(path, kestrel.phone("cat"), signature="wrong", Digits="1")).status_code == 403
    await service.work()
    assert await service.said_after(before) == []


async def test_another_key_or_an_unfinished_form_reports_nobody(service: Carers, kestrel: Kestrel) -> None:
    before = await service.last_position()
    answer = await service.call("choice", kestrel.phone("cat"), CallSid="CA2", Digits="2")
    assert str(action_of(answer.text, "Record")).endswith("/calls/recording#rc=5&rp=all&rt=5000")
    assert (await service.call("choice", kestrel.phone("cat"), Digits="1")).status_code == 400
    await service.work()
    assert await service.said_after(before) == []
