"""The form of a deed behind a mail's link: each kind of field, faults, once, corrected. On a real PostgreSQL."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.platform.register.police_notice import ChildFacts, facts_for_notice
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Reader, all_rows, scalar
from services.safeguarding.identifiers import code_of
from services.safeguarding.notice_fields import ASKED_OF_CARERS
from services.safeguarding.roles import Channel, Deed, Role, Wording
from tests.support.engines.database import Database
from tests.support.in_process.delivery import eventually
from tests.support.in_process.disposal import sweep
from tests.support.in_process.professionals import ByMail, running_by_mail
from tests.support.in_process.register import authority, load, words_kept

CHECK = {"seen_by": "police", "safe": "yes", "hurt": "no"}


@pytest.fixture
async def by_mail(database: Database, keyring: Keyring) -> AsyncIterator[ByMail]:
    async with running_by_mail(database, keyring) as running:
        yield running


async def told_of(by_mail: ByMail, deed: Deed, **about: Any) -> str:
    """The link in the mail of a duty that this deed ends."""
    by_mail.mail.sent.clear()
    await by_mail.tell(deed=deed, **about)
    return await by_mail.link()


@pytest.mark.parametrize(
    ("deed", "form", "kind", "content"),
    [
        (
            Deed("safe-and-well-check"),
            CHECK,
            "safe-and-well-check.recorded",
            {"seen_by": "police", "safe": True, "hurt": False},
        ),
        (Deed("police-reference"), {"reference": "NM-2026-118"}, "police.reference-texted", {}),
        (
            Deed("return-interview"),
            {"state": "offered", "push": ["afraid", "lonely"], "pull": ["friends"], "note": "By telephone"},
            "return-interview.recorded",
            {"state": "offered", "push": ["afraid", "lonely"], "pull": ["friends"]},
        ),
        (
            Deed("police-grade"),
            {"grade": "high", "review_at": "{later}T09:30"},
            "police.risk-graded",
            {"grade": "high"},
        ),
        (Deed("photograph"), {"taken_on": "{earlier}"}, "photograph.recorded", {"taken_on": "{earlier}"}),
        (
            Deed("risk-assessment"),
            {"missing": "high", "trafficker_influence": "low", "review_on": "{later}"},
            "risk-assessment.recorded",
            {"missing": "high", "review_on": "{later}"},
        ),
        (Deed("companion"), {}, "care-step.recorded", {"step": "companion-goes"}),
    ],
    ids=lambda each: each if isinstance(each, Deed) else "",
)
async def test_what_is_filled_in_is_recorded_once_and_its_words_do_not_travel(
    by_mail: ByMail, database: Database, keyring: Keyring, deed: Deed, form: dict[str, Any], kind: str, content: Any
) -> None:
    today = by_mail.floor.clocks.story().date()
    days = {"later": today + timedelta(days=9), "earlier": today - timedelta(days=9)}
    form, content = (
        {name: said.format(**days) if isinstance(said, str) else said for name, said in each.items()}
        for each in (form, content)
    )
    link = await told_of(by_mail, deed, force="northmoor-police")
    assert "Record it, or say that you have it" in by_mail.mail.sent[-1].body
    page = await by_mail.web.get(link)
    assert "It is about child C1." in page.text
    assert all(f'name="{name}"' in page.text for name in form)
    assert (await by_mail.web.head(link)).status_code == 200
    assert await by_mail.said(f"{kind}.v1") == []
    for _ in range(2):
        done = await by_mail.web.post(link, data={"answer": "record-0"} | form)
        assert (done.status_code, "Recorded: " in done.text) == (200, True)
    [event] = await by_mail.said(f"{kind}.v1")
    assert {name: event[name] for name in content} == content
    assert [each.text for each in await words_kept(database, keyring, event.get("words", []))] == [
        form[name] for name in ("note", "reference") if name in form
    ]
    assert "NM-2026" not in str(event)
    [acknowledged] = await by_mail.said("duty.acknowledged.v1")
    assert acknowledged["by"] == by_mail.ids["worker"]


async def test_each_fault_is_named_by_its_field_and_what_was_typed_is_kept(by_mail: ByMail) -> None:
    link = await told_of(by_mail, Deed("safe-and-well-check"))
    wrong = await by_mail.web.post(link, data={"answer": "record-0", "hurt": "perhaps", "safe": "yes", "note": "<i>"})
    assert wrong.status_code == 422
    assert "Nothing has been recorded yet" in wrong.text
    assert ('id="seen_by-wrong"' in wrong.text, 'id="hurt-wrong"' in wrong.text) == (True, True)
    assert 'id="safe-wrong"' not in wrong.text
    assert 'name="safe" value="yes" checked' in wrong.text
    assert "&lt;i&gt;" in wrong.text
    assert await by_mail.said("safe-and-well-check.recorded.v1") == []


async def test_a_correction_is_an_event_of_its_own_that_names_the_one_before(by_mail: ByMail) -> None:
    link = await told_of(by_mail, Deed("safe-and-well-check"))
    await by_mail.web.post(link, data={"answer": "record-0"} | CHECK)
    again = await by_mail.web.post(link, data={"answer": "correct"})
    assert "stays on the record" in again.text
    for _ in range(2):
        await by_mail.web.post(link, data={"answer": "record-1"} | CHECK | {"hurt": "yes"})
    first, second = sorted(await by_mail.said("safe-and-well-check.recorded.v1"), key=lambda each: each["hurt"])
    assert (first.get("corrects_event"), second["hurt"]) == (None, True)
    assert second["corrects_event"]


async def test_what_was_recorded_behind_a_link_is_undone_within_its_minute_by_whoever_recorded_it(
    by_mail: ByMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, again = "safe-and-well-check.recorded.v1", {"answer": "undo"}
    link = await told_of(by_mail, Deed("safe-and-well-check"))
    done = await by_mail.web.post(link, data={"answer": "record-0"} | CHECK)
    assert ("Undo it" in done.text, "goes out" in done.text or "passed on in one minute" in done.text) == (True, True)
    assert await by_mail.floor.facts_said(by_mail.ids["C1"], kind) == [], "nothing has gone out"
    undone = await by_mail.web.post(link, data=again)
    assert ('value="record-1"' in undone.text, await by_mail.said(kind)) == (True, [])
    assert "stays on the record" not in undone.text
    recorded = await by_mail.web.post(link, data={"answer": "record-1"} | CHECK)
    assert ("Undo it" in recorded.text, len(await by_mail.said(kind))) == (True, 1)
    later = by_mail.floor.clocks.wall() + timedelta(seconds=61)
    monkeypatch.setattr(type(by_mail.floor.clocks), "wall", lambda _: later)
    assert "Undo it" not in (await by_mail.web.get(link)).text
    assert ("Recorded:" in (await by_mail.web.post(link, data=again)).text, len(await by_mail.said(kind))) == (True, 1)


async def test_what_was_recorded_and_what_went_together_is_forgotten_with_its_deliveries(by_mail: ByMail) -> None:
    link = await told_of(by_mail, Deed("safe-and-well-check"))
    await by_mail.web.post(link, data={"answer": "record-0"} | CHECK)
    store = by_mail.floor.store
    kept = Query("SELECT (SELECT count(*) FROM deeds) + (SELECT count(*) FROM grouped) AS kept", {}, scalar)
    async with store.transaction() as uow:
        delivery = await uow.fetch(Query("SELECT delivery FROM deeds ORDER BY at DESC LIMIT 1", {}, scalar))
        row = {"delivery": delivery, "leader": delivery, "at": by_mail.floor.clocks.wall()}
        uow.write("INSERT INTO grouped VALUES (%(delivery)s, %(leader)s, %(at)s)", row)
    for days, is_left in ((399, True), (401, False)):
        await sweep(store, "professionals", days=days)
        async with store.read() as reader:
            assert (await reader.fetch(kept) > 0) is is_left


async def test_i_have_it_leaves_the_form_open_and_i_cannot_asks_the_next(by_mail: ByMail) -> None:
    link = await told_of(by_mail, Deed("companion"))
    page = await by_mail.web.get(link)
    assert ("I will go" in page.text, "I cannot go" in page.text, "do it later" in page.text) == (True, True, False)
    link = await told_of(by_mail, Deed("guardian"))
    assert "do it later" in (await by_mail.web.get(link)).text
    await by_mail.floor.until(by_mail.mail.sent[-1].id, "accepted")
    held = await by_mail.web.post(link, data={"answer": "have-it"})
    assert ("asked again until" in held.text, "One was appointed" in held.text) == (True, True)
    assert await by_mail.said("care-step.recorded.v1") == []
    link = await told_of(by_mail, Deed("companion"))
    await by_mail.floor.until(by_mail.mail.sent[-1].id, "accepted")
    assert "Somebody else is being told" in (await by_mail.web.post(link, data={"answer": "cannot"})).text
    assert [each["reason"] for each in await by_mail.said("duty.failed.v1")] == ["declined"]


async def test_a_second_reader_s_answers_are_kept_on_the_page_and_recorded_beside_the_first_s(by_mail: ByMail) -> None:
    check, duty = Deed("safe-and-well-check"), uuid4()
    first = await told_of(by_mail, check, duty=duty)
    second = await told_of(by_mail, check, duty=duty, step=1, role=Role.DUTY_WORKER)
    other = {"seen_by": "police-and-social-worker", "safe": "no", "hurt": "no"}
    for _ in range(2):
        assert "under your name" in (await by_mail.web.post(first, data={"answer": "record-0"} | CHECK)).text
    page = (await by_mail.web.post(second, data={"answer": "record-0"} | other)).text
    assert "NOT recorded. Who answered before you: The child&#39;s social worker." in page
    assert 'value="record-1"' in page
    assert 'value="police-and-social-worker" checked' in page
    assert len(await by_mail.said("safe-and-well-check.recorded.v1")) == 1
    assert "under your name" in (await by_mail.web.post(second, data={"answer": "record-1"} | other)).text
    assert "Who recorded it: Duty social worker." in (await by_mail.web.get(first)).text
    said = await by_mail.said("safe-and-well-check.recorded.v1")
    assert sorted((each["safe"], "corrects_event" in each) for each in said) == [(False, True), (True, False)]


@pytest.mark.parametrize("form", [{"answer": "record-0"} | CHECK, {"answer": "have-it"}], ids=["record", "have it"])
async def test_after_a_transfer_a_link_of_the_authority_before_records_nothing(
    by_mail: ByMail, database: Database, keyring: Keyring, form: dict[str, str]
) -> None:
    link = await told_of(by_mail, Deed("safe-and-well-check"))
    receiver, engine = authority(), database.engine("casework")
    await load(engine, keyring, receiver, by_mail.floor.clocks.story())
    async with engine.begin() as connection:
        move = "UPDATE register.children SET authority = :to, reference = id, code = 'C99' WHERE id = :child"
        await connection.execute(text(move), {"to": receiver["authority"]["id"], "child": by_mail.ids["C1"]})
    await engine.dispose()
    refused = await by_mail.web.post(link, data=form)
    assert ("another authority is responsible now" in refused.text, "<form" in refused.text) == (True, False)
    for kind in ("safe-and-well-check.recorded.v1", "duty.acknowledged.v1"):
        assert await by_mail.said(kind) == []


async def test_a_mail_of_several_leads_to_each_deed(by_mail: ByMail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.professionals.handlers.GATHERED_FOR", timedelta(seconds=1))
    by_mail.mail.sent.clear()
    told = [await by_mail.tell(urgent=False, deed=deed) for deed in (Deed("photograph"), Deed("contacts-check"))]
    for each in told:
        await by_mail.floor.until(each.content.telling, "accepted")
    page = (await by_mail.web.get(await by_mail.link())).text
    links = {
        title: page.split(f"{title}</a>")[0].rpartition('href="')[2].split('"')[0]
        for title in ("A photograph is on file", "The contacts were checked")
    }
    await by_mail.web.post(links["The contacts were checked"], data={"answer": "record-0"})
    assert len(await by_mail.said("contacts.checked.v1")) == 1
    assert await by_mail.said("photograph.recorded.v1") == []


async def test_a_word_about_police_is_not_asked_for_where_nobody_knows_the_force(by_mail: ByMail) -> None:
    page = await by_mail.web.get(await told_of(by_mail, Deed("police-closed"), force=None))
    assert "Have you got it?" in page.text


async def test_a_text_of_a_deed_holds_a_short_link_to_its_form(
    by_mail: ByMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = await by_mail.tell(
        deed=Deed("return-interview"),
        channel=Channel.TEXT,
        role=Role.DUTY_WORKER,
        wording=Wording("return-interview-due"),
    )
    await eventually(lambda: by_mail.text.sent)
    await by_mail.floor.until(told.content.telling, "accepted")
    [link] = re.findall(r"http://professionals\.example/d/\S+", by_mail.text.sent[-1].body)
    assert "It is about child C1." in (await by_mail.web.get(link)).text
    assert (await by_mail.web.get(link[:-1] + ("A" if link[-1] != "A" else "B"))).status_code == 404
    other = told.content.model_copy(update={"step": 1}).telling
    forged = link.replace(code_of(told.content.telling), code_of(other))
    assert (await by_mail.web.get(forged)).status_code == 404
    assert (await by_mail.web.get("/d/%00%00%00%00%00abc")).status_code == 404
    done = await by_mail.web.post(link, data={"answer": "record-0", "state": "offered"})
    assert "Recorded: " in done.text
    later = by_mail.floor.clocks.wall() + timedelta(days=44)
    monkeypatch.setattr(by_mail.floor.clocks, "wall", lambda: later)
    assert (await by_mail.web.get(link)).status_code == 410


async def test_a_carer_says_by_a_link_what_police_are_told_when_the_child_goes_missing(
    by_mail: ByMail, database: Database, keyring: Keyring
) -> None:
    """What was said last of each thing stands in the notice beside what the register holds, with its day."""
    for step, filled in enumerate(
        (
            {"profile": "filled-in", "description": "a scar", "feared": "the man in the red car"},
            {"profile": "filled-in", "description": "a new scar"},
            {"profile": "nothing-new"},
        )
    ):
        by_mail.text.sent.clear()
        by_mail.floor.clocks.now += timedelta(minutes=step)  # type: ignore[attr-defined]
        about = {"deed": Deed("profile"), "wording": Wording("profile-due"), "channel": Channel.TEXT}
        told = await by_mail.tell(role=Role.CARERS_ALL, step=step, **about)
        await eventually(lambda: by_mail.text.sent)
        await by_mail.floor.until(told.content.telling, "accepted")
        body = by_mail.text.sent[-1].body
        assert ("went missing?" in body, "console" in body, "Reply OK" in body) == (True, False, False)
        [link] = re.findall(r"http://professionals\.example/d/\S+", body)
        page = (await by_mail.web.get(link)).text
        for name in ASKED_OF_CARERS:
            assert f'name="{name}"' in page
        assert not any(each in page for each in ("green coat", "scar</", "<details"))
        done = await by_mail.web.post(link, data={"answer": "record-0", "photograph": "yes"} | filled)
        assert "Recorded: what police will ask" in done.text
    wrong = {"answer": "record-1", "photograph": "yes", "profile": "filled-in", "feared": "another child's uncle"}
    empty = {"answer": "record-2", "photograph": "yes", "profile": "filled-in", "description": "a newer scar"}
    for answer in (wrong, empty, {"answer": "undo"}):
        assert (await by_mail.web.post(link, data=answer)).status_code == 200
    assert (await profile_of(by_mail, keyring, database)).profile == {"feared": f"another child's uncle {TOLD}"}
    assert "Fill in again everything" in (await by_mail.web.post(link, data={"answer": "correct"})).text
    assert (await by_mail.web.post(link, data=empty | {"answer": "record-3"})).status_code == 200
    assert (await profile_of(by_mail, keyring, database)).profile == {"feared": f"the man in the red car {TOLD}"}
    for _ in range(2):
        assert (await by_mail.web.post(link, data={"answer": "undo"})).status_code == 200
    said = await by_mail.said("profile.recorded.v1")
    assert sorted((each["changed"], each["photograph"]) for each in said) == [(False, True), (True, True), (True, True)]
    assert "scar" not in str(said)
    child = await profile_of(by_mail, keyring, database)
    assert child.description == f"a new scar {TOLD}; braided hair, a green coat"
    assert child.profile == {"feared": f"the man in the red car {TOLD}"}


TOLD = "(told on 24 November 2026)"


async def profile_of(by_mail: ByMail, keyring: Keyring, database: Database) -> ChildFacts:
    engine = database.engine("police")
    async with engine.connect() as connection:
        facts = await Reader(connection).fetch(facts_for_notice(keyring, by_mail.ids["C1"]))
    await engine.dispose()
    assert facts.child is not None
    return facts.child


@pytest.mark.parametrize("linked", [True, False])
async def test_a_link_opens_nothing_of_an_authority_that_it_is_not_about(
    by_mail: ByMail, keyring: Keyring, database: Database, *, linked: bool
) -> None:
    """Whatever its handler asks for. It sees who told it, its reader's authority, and who had the child and has it."""
    casework = database.engine("casework")
    others = [authority() for _ in range(3)]
    names = [each["authority"]["id"] for each in others]
    for each in others:
        await load(casework, keyring, each, by_mail.floor.clocks.story())
    told = await by_mail.tell(deed=Deed("talk"))
    await by_mail.link()
    async with casework.begin() as connection:
        given = "UPDATE register.children SET authority = :to, reference = id, code = 'C99' WHERE id = :child"
        await connection.execute(text(given), {"to": names[0], "child": by_mail.ids["C1"]})
        gave = "INSERT INTO casework.transferred VALUES (:a, 'once', :child, now())"
        await connection.execute(text(gave), {"a": names[1], "child": by_mail.ids["C1"]})
    await casework.dispose()
    async with by_mail.floor.store.transaction(told.content.telling if linked else uuid4()) as uow:
        seen = await uow.fetch(Query("SELECT authority FROM register.duty_lines", {}, all_rows))
    assert {row.authority for row in seen} == ({by_mail.authority, *names[:2]} if linked else set())


async def test_a_text_of_no_deed_has_no_link(by_mail: ByMail) -> None:
    await by_mail.tell(channel=Channel.TEXT, wording=Wording("return-interview-due"))
    await eventually(lambda: by_mail.text.sent)
    assert "http" not in by_mail.text.sent[-1].body
