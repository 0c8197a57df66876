"""One page a child: whom to ring, what was said, who the child is once somebody has said why; and how a child is found."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from services.console.read_model.projections import Handlers
from services.platform.register.directory import format_number
from services.platform.register.words import keep
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store
from services.safeguarding.child_events.care_events import ChildIdentified
from services.safeguarding.child_events.events import (
    ChildInformationReceived,
    ChildLocated,
    ChildProvisional,
    ChildReportedMissing,
    PoliceReferenceGiven,
    PoliceRiskGraded,
    RiskGrade,
    TextNeedsHuman,
)
from services.safeguarding.duty.decisions import DutyState
from services.safeguarding.duty.duties import DutyAcknowledged, DutyFailed, PoliceNotify
from services.safeguarding.identifiers import code_of, new_id, provisional_child
from services.safeguarding.operators import OperatorRole
from services.safeguarding.roles import Role, Wording
from tests.support.engines.database import Database
from tests.support.engines.round_trips import round_trips
from tests.support.in_process.console import (
    REPORTED_AT,
    account,
    browser_at,
    csrf_in,
    duty_changed,
    episode_changed,
    hear,
    heard,
    held_by_console,
    said_by_console,
    sign_in,
    somewhere,
    step,
)
from tests.support.in_process.delivery import received
from tests.support.in_process.register import authority, load

MISSING_NOTICE = Wording("missing-notice")

CLOCKS = Clocks()
HANDLERS = Handlers(CLOCKS)
WORDS = "She is talking about leaving with somebody"


@dataclass
class Case:
    """A missing child of an authority of its own, whom a carer has reported in words."""

    authority: str
    document: dict[str, Any]
    ids: dict[str, str]
    child: str
    episode: UUID


@pytest.fixture
async def case(opened: Store, database: Database, keyring: Keyring) -> Case:
    document, engine = authority(), database.engine("casework")
    ids = await load(engine, keyring, document, CLOCKS.wall())
    await engine.dispose()
    case = Case(document["authority"]["id"], document, ids, ids["C1"], uuid4())
    episode = episode_changed(case.episode).model_copy(
        update={"authority": case.authority, "force": f"{case.authority}-police"}
    )
    await hear(opened, HANDLERS, heard(episode, case.child))
    await tell(opened, keyring, case, WORDS, ChildReportedMissing(authority=case.authority, said_by=ids["ash"]))
    return case


async def tell(opened: Store, keyring: Keyring, case: Case, words: str, event: Any, *, child: str = "") -> None:
    """The console hears of the event, whose words are in the register."""
    async with opened.transaction() as uow:
        said_by = getattr(event, "said_by", None)
        about, is_reference = child or case.child, isinstance(event, PoliceReferenceGiven)
        name = await keep(
            uow, keyring, about=about, words=words, said_by=said_by, at=REPORTED_AT, reference=is_reference
        )
    await hear(opened, HANDLERS, heard(event.model_copy(update={"words": (name,)}), child or case.child))


async def send_text(database: Database, case: Case) -> UUID:
    """The id of a text about the case, long delivered. Its code stands at its end."""
    sent = uuid4()
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(
            """
            INSERT INTO delivery.deliveries (id, service, lane, state, child, authority, episode, urgent, exercise, code,
                attempts, created_at, next_attempt_at, key_owner, number_hash, changed_at)
            VALUES (%s, 'professionals', 'texts', 'delivered', %s, %s, %s, true, false, %s, 1, now(), now(), 'x', 'x', now())
            """,
            (sent, case.child, case.authority, case.episode, code_of(sent)),
        )
    return sent


def number_of(case: Case, reference: str) -> str:
    return str(next(each["mobile"] for each in case.document["people"] if each["reference"] == reference))


async def ask(opened: Store, case: Case, *steps: Any, wording: Wording = MISSING_NOTICE, **more: Any) -> None:
    duty = duty_changed(case.episode, *steps, wording=wording, **more)
    await hear(opened, HANDLERS, heard(duty.model_copy(update={"authority": case.authority}), case.child))


@pytest.fixture
async def browser(app: FastAPI, opened: Store, case: Case) -> AsyncIterator[httpx.AsyncClient]:
    """Signed in as a duty manager of the child's authority."""
    async with browser_at(app, somewhere()) as browser:
        await sign_in(browser, await account(opened, authority=case.authority))
        yield browser


async def test_the_page_says_what_was_said_by_whom_and_whom_to_ring(
    browser: httpx.AsyncClient, opened: Store, case: Case
) -> None:
    worker = step(0, Role.DUTY_WORKER, "delivered").model_copy(update={"person": case.ids["night"]})
    manager = step(1, Role.DUTY_SENIOR_MANAGER).model_copy(update={"person": case.ids["boss"]})
    await ask(opened, case, worker, manager)
    await ask(opened, case, step(0, Role.POLICE_CONTROL_ROOM, "accepted"), state="accepted")
    page = (await browser.get("/children/C1")).text
    number = next(each["mobile"] for each in case.document["people"] if each["reference"] == "boss")
    needs = page[page.index("What needs somebody now") : page.index("Who it is")]
    for said in (
        "Overdue",
        "Boss Example",
        f'href="tel:{number}"',
        "1 more asked, still within time",
        "tel:+441632960101",
    ):
        assert said in needs
    assert f"case {code_of(case.episode)}" in page
    assert (WORDS in page, "Ash Example" in page) == (True, True)
    assert "tell-police-missing" not in page, "no rule is named where people work"


async def test_a_text_that_was_passed_on_to_police_stands_once_under_its_sender(
    browser: httpx.AsyncClient, opened: Store, case: Case, keyring: Keyring
) -> None:
    said: Any = {"about": case.child, "said_by": case.ids["ash"], "at": REPORTED_AT}
    async with opened.transaction() as uow:
        names = [await keep(uow, keyring, words=each, **said) for each in ("Gone by bus. Red coat", "Red coat")]
    about: Any = {"authority": case.authority, "words": tuple(names)}
    told = received(PoliceNotify, **about, force=f"{case.authority}-police").content
    for event in (ChildInformationReceived(**about, said_by=case.ids["ash"]), told):
        await hear(opened, HANDLERS, heard(event, case.child))
    page = (await browser.get("/children/C1")).text
    section = page[page.index("<h2>What was said") : page.index("<h2>Who has been told")]
    assert section.count("Red coat") == 1
    assert (section.count("Ash Example"), section.count("police, ")) == (2, 0)


async def test_what_police_said_and_what_comes_next_are_on_the_page(
    browser: httpx.AsyncClient, opened: Store, case: Case, keyring: Keyring
) -> None:
    by_police = {"authority": case.authority, "force": f"{case.authority}-police", "episode": case.episode}
    given = PoliceReferenceGiven.model_validate(by_police | {"reply": "r1", "reference_kind": "incident"})
    await tell(opened, keyring, case, "NM-2026-118", given)
    graded = PoliceRiskGraded.model_validate(by_police | {"reply": "r2", "grade": RiskGrade.HIGH})
    await hear(opened, HANDLERS, heard(graded, case.child))
    await ask(opened, case, step(0, Role.DUTY_WORKER), next_step_at=REPORTED_AT + timedelta(minutes=5))
    page = (await browser.get(f"/children/{code_of(case.episode).lower()}")).text
    assert "Their reference: NM-2026-118. Their grade: high" in page
    assert "senior manager on call: Missing notice" in page[page.index("What comes next") :]


async def test_who_the_child_is_shows_for_the_shift_after_one_reason_and_every_view_is_on_the_record(
    browser: httpx.AsyncClient, opened: Store, case: Case
) -> None:
    assert "Amara" not in (await browser.get("/children/C1")).text
    assert (await browser.get(f"/photographs/{case.child}")).status_code == 404
    path = f"/episodes/{case.episode}/acts/child-revealed"
    page = await browser.get(path)
    form = {name: page.text.split(f'name="{name}" value="')[1].split('"')[0] for name in ("act", "seen", "csrf")}
    answer = await browser.post(path, data=form | {"reason": "A hospital rings about her"})
    for _ in range(2):
        page = await browser.get(answer.headers["location"])
        for shown in ("Amara C1 Diallo", "braided hair", "4 Mill Lane <small>(as of ", "Bea Example", "born 4 Mar"):
            assert shown in page.text
    said = await said_by_console(opened, case.child, views=True)
    acts = [each.content.act for each in said if each.content.kind == "operator.acted.v1"]
    assert acts == ["child-viewed", "child-revealed"], "a page fetched again within the hour is one view"
    looked_up = [each.content.fields for each in said if each.content.kind == "register.looked-up.v1"]
    assert looked_up[0] == ("words", "people.mobile")
    assert {"child.name", "child.photograph", "placement.address"} <= set(looked_up[1])
    assert "Amara" not in (await browser.get("/")).text


@pytest.mark.parametrize("role", [OperatorRole.AUDITOR, OperatorRole.OPERATOR])
async def test_who_need_not_know_reads_neither_words_nor_numbers_and_is_on_the_record_too(
    app: FastAPI, opened: Store, case: Case, role: OperatorRole
) -> None:
    async with browser_at(app, somewhere()) as browser:
        await sign_in(browser, await account(opened, role, authority=case.authority))
        page = (await browser.get("/children/C1")).text
    assert [each for each in (WORDS, "Ash Example", "child-revealed") if each in page] == []
    assert [each.content.kind for each in await said_by_console(opened, case.child, views=True)] == [
        "operator.acted.v1"
    ]


async def test_what_was_said_before_anybody_knew_the_child_is_on_its_page(
    browser: httpx.AsyncClient, opened: Store, case: Case, keyring: Keyring
) -> None:
    nobody = new_id("provisional")
    text = TextNeedsHuman(authority=case.authority, reason="unknown-sender", channel="text")
    await tell(opened, keyring, case, "the girl has gone out of the window", text, child=nobody)
    await hear(opened, HANDLERS, heard(ChildIdentified(authority=case.authority, child=case.child), nobody))
    assert "gone out of the window" in (await browser.get("/children/C1")).text


async def test_a_matter_of_no_case_has_a_page_with_its_words(
    browser: httpx.AsyncClient, opened: Store, case: Case, keyring: Keyring
) -> None:
    nobody = new_id("provisional")
    text = TextNeedsHuman(authority=case.authority, reason="unknown-sender", channel="text")
    await tell(opened, keyring, case, "no sorry thats not her", text, child=nobody)
    duty = duty_changed(None, step(0, Role.DUTY_WORKER), wording=Wording("needs-human"))
    await hear(opened, HANDLERS, heard(duty.model_copy(update={"authority": case.authority}), nobody))
    assert f"/children/{nobody}" in (await browser.get("/")).text
    page = (await browser.get(f"/children/{nobody}")).text
    assert ("no sorry thats not her" in page, "A text that somebody must read" in page) == (True, True)


async def test_the_timeline_shows_what_happened_and_the_whole_is_one_link_away(
    browser: httpx.AsyncClient, opened: Store, case: Case
) -> None:
    located = ChildLocated(authority=case.authority, episode=case.episode, channel="text")
    await hear(opened, HANDLERS, heard(located, case.child))
    await browser.get("/children/C1")
    await hear(opened, HANDLERS, *await said_by_console(opened, case.child, views=True))
    page, whole = [(await browser.get(f"/children/C1{query}")).text for query in ("", "?whole=anything")]
    assert ("Located, by text" in page, "saw who the child is" in page) == (True, False)
    assert ("Located, by text" in whole, "saw who the child is" in whole) == (True, True)


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ("c1", True),
        ("{reference}", True),
        ("C1, case {reference}", True),
        ("{eight}", True),
        ("9999FFFF", False),
        ("{text}", True),
        ("{number}", True),
        ("07700 900999", False),
        ("24/11", True),
        ("nm 2026 118", True),
        ("NM-2026", False),
        ("mill lane", True),
        ("bea exam", True),
        ("24/11/2026", True),
        ("25/11/2026", False),
        ("high street", False),
        ("be", False),
    ],
)
async def test_a_case_is_found_by_whatever_people_call_it_open_or_closed(
    browser: httpx.AsyncClient,
    opened: Store,
    database: Database,
    case: Case,
    keyring: Keyring,
    sought: str,
    found: bool,
) -> None:
    text_sent = await send_text(database, case)
    given = PoliceReferenceGiven(
        authority=case.authority, force="f", episode=case.episode, reply="r1", reference_kind="incident"
    )
    await tell(opened, keyring, case, "NM-2026-118", given)
    over = episode_changed(case.episode, revision=2, state="closed")
    await hear(opened, HANDLERS, heard(over.model_copy(update={"authority": case.authority}), case.child))
    form = {"csrf": csrf_in(await browser.get("/find")), "sought": sought.format(
        reference=code_of(case.episode), eight=case.episode.hex[:8].upper(), text=code_of(text_sent).lower(),
        number=format_number(number_of(case, "bea")),
    )}  # fmt: skip
    answer = await browser.post("/find", data=form)
    assert (f"/episodes/{case.episode}" in answer.text) is found
    acts = [each.content.act for each in await said_by_console(opened, case.child) if hasattr(each.content, "act")]
    assert acts == (["child-found"] if sought in {"mill lane", "bea exam", "nm 2026 118", "{number}"} else []), (
        "what was opened is on the record"
    )


async def test_nobody_finds_or_opens_a_child_of_another_authority(app: FastAPI, opened: Store, case: Case) -> None:
    async with browser_at(app, somewhere()) as other:
        await sign_in(other, await account(opened, authority="lapwing"))
        csrf = csrf_in(await other.get("/find"))
        for sought in ("C1", code_of(case.episode), "4 Mill Lane", "Ash Example", "24/11/2026", case.child):
            answer = await other.post("/find", data={"csrf": csrf, "sought": sought})
            assert (answer.status_code, str(case.episode) in answer.text) == (200, False)
        for path in (f"/children/{case.child}", f"/children/{code_of(case.episode)}", f"/photographs/{case.child}"):
            assert (await other.get(path)).status_code == 404
    assert await said_by_console(opened, case.child, views=True) == []


async def test_a_day_on_which_the_clocks_change_is_found_whole(
    browser: httpx.AsyncClient, opened: Store, case: Case
) -> None:
    late = episode_changed(uuid4(), opened_at=datetime(2026, 10, 25, 23, 30, tzinfo=UTC))
    await hear(opened, HANDLERS, heard(late.model_copy(update={"authority": case.authority}), case.child))
    form = {"csrf": csrf_in(await browser.get("/find"))}
    for sought, is_found in (("25/10/2026", True), ("26/10/2026", False)):
        answer = await browser.post("/find", data=form | {"sought": sought})
        assert (f"/episodes/{late.episode}" in answer.text) is is_found


async def test_who_fetches_the_changing_part_alone_is_on_the_record_too(
    browser: httpx.AsyncClient, opened: Store, case: Case
) -> None:
    for _ in range(2):
        assert WORDS in (await browser.get("/parts/children/C1")).text
    acts = [each.content for each in await said_by_console(opened, case.child, views=True)]
    assert [each.act for each in acts if each.kind == "operator.acted.v1"] == ["child-viewed"]


async def test_whoever_gave_a_child_away_keeps_its_old_case_and_learns_nothing_new(
    app: FastAPI, browser: httpx.AsyncClient, opened: Store, case: Case, database: Database, keyring: Keyring
) -> None:
    path = f"/episodes/{case.episode}/acts/child-revealed"
    page = await browser.get(path)
    form = {name: page.text.split(f'name="{name}" value="')[1].split('"')[0] for name in ("act", "seen", "csrf")}
    await browser.post(path, data=form | {"reason": "A hospital rings about her"})
    document, engine = authority(), database.engine("casework")
    await load(engine, keyring, document, CLOCKS.wall())
    async with engine.begin() as connection:
        moved = {"child": case.child, "to": document["authority"]["id"]}
        await connection.execute(
            text("UPDATE register.children SET authority = :to, code = 'C98765', reference = id WHERE id = :child"),
            moved,
        )
        given = {"child": case.child, "from": case.authority, "at": CLOCKS.story()}
        await connection.execute(text("INSERT INTO casework.transferred VALUES (:from, 'C1', :child, :at)"), given)
    await engine.dispose()
    old = await browser.get(f"/episodes/{case.episode}")
    assert (old.status_code, WORDS in old.text) == (200, True)
    assert [each for each in ("Amara", "C98765", "braided hair", "Mill Lane", "Bea Example") if each in old.text] == []
    assert (await browser.get(f"/photographs/{case.child}")).status_code == 404
    async with browser_at(app, somewhere()) as new:
        await sign_in(new, await account(opened, authority=document["authority"]["id"]))
        for whose, is_found in ((browser, False), (new, True)):
            sought = {"csrf": csrf_in(await whose.get("/find")), "sought": "C98765"}
            assert (f"/children/{case.child}" in (await whose.post("/find", data=sought)).text) is is_found


async def test_a_form_that_names_another_child_by_now_names_that_one_too_and_on_its_record(
    browser: httpx.AsyncClient, opened: Store, case: Case
) -> None:
    unknown, episode = provisional_child("a report"), uuid4()
    changed = episode_changed(episode).model_copy(update={"authority": case.authority})
    await hear(opened, HANDLERS, heard(changed, unknown))
    path = f"/episodes/{episode}/acts/identified"
    page = await browser.get(path)
    form = {name: page.text.split(f'name="{name}" value="')[1].split('"')[0] for name in ("act", "seen", "csrf")}
    form["reason"] = "Her carer is sure"
    await browser.post(path, data=form | {"child": "C1"})
    asked = await browser.post(path, data=form | {"child": "C2", "confirmed": "yes"})
    assert (asked.status_code, "Is it this child?" in asked.text) == (200, True)
    assert await said_by_console(opened, unknown) == []
    looked_up = [each.content.kind for each in await said_by_console(opened, case.ids["C2"])]
    assert looked_up == ["register.looked-up.v1", "operator.acted.v1"]


async def test_where_two_authorities_use_one_code_somebody_of_every_authority_chooses(
    app: FastAPI, opened: Store, case: Case, database: Database, keyring: Keyring
) -> None:
    engine = database.engine("casework")
    other = await load(engine, keyring, authority(), CLOCKS.wall())
    await engine.dispose()
    async with browser_at(app, somewhere()) as browser:
        await sign_in(browser, await account(opened))
        page = (await browser.get("/children/C1")).text
    assert (f"/children/{case.child}" in page, f"/children/{other['C1']}" in page) == (True, True)


async def test_the_round_trips_of_a_page_do_not_grow_with_what_is_on_it(
    browser: httpx.AsyncClient, opened: Store, case: Case
) -> None:
    for _ in range(20):
        await ask(opened, case, step(0, Role.DUTY_WORKER), step(1, Role.DUTY_SENIOR_MANAGER))
        other = episode_changed(uuid4()).model_copy(update={"authority": case.authority})
        await hear(opened, HANDLERS, heard(other, new_id("child")))
    taken = {}
    with round_trips(opened.engine) as trips:
        for path in ("/", "/housekeeping", "/children/C1"):
            await browser.get(path)
            trips.begin()
            await browser.get(path)
            taken[path] = trips.count
    of_session = 2
    assert taken == {"/": of_session + 1, "/housekeeping": of_session + 1, "/children/C1": of_session + 4}


async def test_a_case_that_police_refused_is_first_and_red_with_its_cause_and_the_number_to_ring(
    browser: httpx.AsyncClient, opened: Store, case: Case
) -> None:
    refused = duty_changed(
        case.episode, step(0, Role.POLICE_CONTROL_ROOM, "failed"), step(1, Role.DUTY_WORKER, "acknowledged")
    )
    told = {"duty": refused.duty, "step": 0, "authority": case.authority, "episode": case.episode}
    failure = DutyFailed.model_validate(told | {"reason": "untrusted-certificate"})
    await hear(opened, HANDLERS, heard(refused.model_copy(update={"authority": case.authority}), case.child))
    await hear(opened, HANDLERS, heard(failure, case.child))
    page = (await browser.get("/children/C1")).text
    line = page[page.index('id="police"') : page.index('<dl class="facts"')]
    for shown in (
        "POLICE DO NOT HAVE THIS. Certificate refused 24 Nov 22:15.",
        "tel:+441632960101",
        f'href="/duties/{refused.duty}/acts/phoned">I have rung them',
    ):
        assert shown in line
    assert "Says they will ring. Police are not told by that." in page
    listed, only = [(await browser.get(path)).text for path in ("/", "/?untold=true")]
    assert "<strong>1</strong> police not told</a>" in listed
    assert "Police not told</strong>" in listed
    assert "Police not told</strong>" in only

    answer = DutyAcknowledged.model_validate(told | {"how": "page", "force": f"{case.authority}-police"})
    answered = refused.model_copy(update={"authority": case.authority, "revision": 2, "state": DutyState.ACKNOWLEDGED})
    await hear(opened, HANDLERS, heard(answered, case.child), heard(answer, case.child))
    page = (await browser.get("/children/C1")).text
    assert "Police say they have it: no officer named, 24 Nov 22:15, on a page." in page
    assert "police not told" not in (await browser.get("/")).text
    assert "Police have every open case." in (await browser.get("/?untold=true")).text


@pytest.fixture
async def nameless(opened: Store, case: Case) -> tuple[str, UUID]:
    """A report without a name by the phone that texted about the case's child 51 seconds before, and its episode."""
    nobody, episode = new_id("provisional"), uuid4()
    told = ChildProvisional(
        authority=case.authority, same_phone=case.child, same_phone_at=REPORTED_AT - timedelta(seconds=51)
    )
    opened_too = episode_changed(episode).model_copy(update={"authority": case.authority})
    await hear(opened, HANDLERS, heard(told, nobody), heard(opened_too, nobody))
    return nobody, episode


async def answer_same(browser: httpx.AsyncClient, episode: UUID, same: str) -> httpx.Response:
    page = (await browser.get(f"/episodes/{episode}")).text
    form = page[page.index('id="same-phone"') : page.index("</form>", page.index('id="same-phone"'))]
    fields = {name: form.split(f'name="{name}" value="')[1].split('"')[0] for name in ("csrf", "act", "seen", "child")}
    return await browser.post(f"/episodes/{episode}/same-phone", data=fields | {"same": same})


async def test_two_reports_of_one_phone_are_one_child_by_one_tap_that_can_be_undone(
    browser: httpx.AsyncClient, opened: Store, case: Case, nameless: tuple[str, UUID]
) -> None:
    nobody, episode = nameless
    page = (await browser.get(f"/episodes/{episode}")).text
    asked = page[page.index('id="same-phone"') : page.index("</form>", page.index('id="same-phone"'))]
    assert (">C1</a> 51 s earlier. Same child?" in asked) is True
    landed = await answer_same(browser, episode, "yes")
    assert landed.status_code == 303
    [held] = await held_by_console(opened, nobody)
    assert (held.content.kind, held.content.child, len(held.content.words)) == ("child.identified.v1", case.child, 1)
    page = (await browser.get(landed.headers["location"])).text
    assert 'id="same-phone"' not in page
    assert 'id="act-undone"' in page
    assert 'id="act-identified"' not in page, "nobody says it twice within the minute"


async def test_that_it_is_another_child_is_on_the_record_and_nobody_is_asked_again(
    browser: httpx.AsyncClient, opened: Store, nameless: tuple[str, UUID]
) -> None:
    nobody, episode = nameless
    assert (await answer_same(browser, episode, "no")).status_code == 303
    assert await held_by_console(opened, nobody) == []
    acts = [each.content.act for each in await said_by_console(opened, nobody) if hasattr(each.content, "act")]
    assert acts == ["kept-apart"]
    page = (await browser.get(f"/episodes/{episode}")).text
    assert ('id="same-phone"' in page, 'id="act-identified"' in page) == (False, True)


async def test_nobody_is_asked_once_the_other_child_is_back_and_no_old_page_joins_it(
    browser: httpx.AsyncClient, opened: Store, case: Case, nameless: tuple[str, UUID]
) -> None:
    _, episode = nameless
    page = (await browser.get(f"/episodes/{episode}")).text
    form = page[page.index('id="same-phone"') :]
    fields = {name: form.split(f'name="{name}" value="')[1].split('"')[0] for name in ("csrf", "act", "seen", "child")}
    back = episode_changed(case.episode, revision=2, state="returned").model_copy(update={"authority": case.authority})
    await hear(opened, HANDLERS, heard(back, case.child))
    assert 'id="same-phone"' not in (await browser.get(f"/episodes/{episode}")).text
    assert (await browser.post(f"/episodes/{episode}/same-phone", data=fields | {"same": "yes"})).status_code == 409
