"""Acts at the console: once, under a name, with what they bring about; refused where they are no longer meant. On a real PostgreSQL."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from services.console.read_model.projections import Handlers
from services.console.read_model.repository import waiting
from services.platform.messages.envelope import Received
from services.platform.register import words
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store
from services.safeguarding.child_events.care_events import RiskAssessmentRecorded
from services.safeguarding.child_events.discussion_events import PlannedStep, StrategyDiscussionHeld
from services.safeguarding.child_events.events import (
    ChildReturned,
    PoliceReferenceTexted,
    PoliceRiskGraded,
    SafeAndWellCheckRecorded,
)
from services.safeguarding.duty.decisions import DutyState, RegisterLookedUp
from services.safeguarding.duty.duties import DutyAcknowledged, StrategyDiscussionChanged
from services.safeguarding.identifiers import new_id
from services.safeguarding.operators import OperatorActed, OperatorRole
from services.safeguarding.roles import Deed, Role
from tests.support.engines.database import Database
from tests.support.in_process.console import (
    account,
    browser_at,
    csrf_in,
    duty_changed,
    episode_changed,
    hear,
    heard,
    held_by_console,
    landing,
    said_by_console,
    sign_in,
    somewhere,
    step,
)
from tests.support.in_process.register import authority, erase, load

CLOCKS = Clocks()
HANDLERS = Handlers(CLOCKS)
MANAGER = "Morgan Ellis"


@pytest.fixture
async def browser(app: FastAPI, opened: Store) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as browser:
        await sign_in(browser, await account(opened, name=MANAGER))
        yield browser


@dataclass
class Case:
    """A missing child whose police duty has failed and gone on to the duty worker."""

    child: str
    episode: UUID
    duty: UUID


@pytest.fixture
async def case(opened: Store) -> Case:
    child, episode = new_id("child"), uuid4()
    police = duty_changed(episode, step(0, Role.POLICE_CONTROL_ROOM, "failed"), step(1, Role.DUTY_WORKER))
    await hear(opened, HANDLERS, heard(episode_changed(episode), child), heard(police, child))
    return Case(child, episode, police.duty)


async def fill(browser: httpx.AsyncClient, path: str, **answers: str) -> dict[str, str]:
    """The form of that page, with these answers."""
    page = await browser.get(path)
    assert page.status_code == 200, page.text
    hidden = {name: page.text.split(f'name="{name}" value="')[1].split('"')[0] for name in ("act", "seen")}
    return {"csrf": csrf_in(page)} | hidden | answers


async def confirm(browser: httpx.AsyncClient, path: str, form: dict[str, str]) -> httpx.Response:
    """Sends the form, and says on the page that names the child that it is this one."""
    asked = await browser.post(path, data=form)
    assert (asked.status_code, "Is it this child?" in asked.text) == (200, True)
    return await browser.post(path, data=form | {"confirmed": "yes"})


async def test_phoned_with_a_reference_closes_the_police_duty_and_keeps_the_words_encrypted(
    browser: httpx.AsyncClient, opened: Store, case: Case, keyring: Keyring
) -> None:
    path = f"/duties/{case.duty}/acts/phoned"
    form = await fill(browser, path, step="0", officer="PC Reed 4471", reference="NM-2026-118")
    answer = await browser.post(path, data=form)
    assert (answer.status_code, landing(answer)) == (303, f"/episodes/{case.episode}?done=phoned")
    acknowledged, reference, acted = await said_by_console(opened, case.child)
    assert (type(acknowledged.content), type(reference.content)) == (DutyAcknowledged, PoliceReferenceTexted)
    assert isinstance(acted.content, OperatorActed)
    assert acted.content.said == (acknowledged.id, reference.id)
    assert (acted.content.role, acted.content.duty) == (OperatorRole.DUTY_MANAGER, case.duty)
    async with opened.read() as reader:
        kept = await reader.fetch(words.reasons_by_id(keyring, acted.content.words))
    assert sorted(kept.values()) == ["NM-2026-118", "PC Reed 4471"]
    assert not any("Reed" in str(each) or "NM-2026" in str(each.content) for each in (acknowledged, reference, acted))


async def test_a_form_sent_twice_acts_once(browser: httpx.AsyncClient, opened: Store, case: Case) -> None:
    path = f"/episodes/{case.episode}/acts/returned"
    form = await fill(browser, path, reason="Seen at the door")
    first, second = await confirm(browser, path, form), await browser.post(path, data=form | {"confirmed": "yes"})
    assert (first.status_code, second.status_code) == (303, 303)
    await hear(opened, HANDLERS, heard(episode_changed(case.episode, revision=2, state="returned"), case.child))
    assert (await browser.post(path, data=form)).status_code == 303
    assert (landing(first), landing(second)) == (
        f"/episodes/{case.episode}?done=held-returned",
        f"/episodes/{case.episode}?done=again-returned",
    )
    said = [type(each.content) for each in await said_by_console(opened, case.child)]
    assert said == [RegisterLookedUp, OperatorActed, OperatorActed]
    assert [type(each.content) for each in await held_by_console(opened, case.child)] == [ChildReturned]


@pytest.mark.parametrize("act", ["returned", "located", "report-retracted"])
async def test_what_ends_a_search_is_done_only_from_a_page_that_names_the_child(
    browser: httpx.AsyncClient, opened: Store, database: Database, keyring: Keyring, act: str
) -> None:
    engine = database.engine("casework")
    child = (await load(engine, keyring, authority(), CLOCKS.wall()))["C1"]
    await engine.dispose()
    episode = uuid4()
    await hear(opened, HANDLERS, heard(episode_changed(episode), child))
    path = f"/episodes/{episode}/acts/{act}"
    form = await fill(browser, path, reason="A colleague has seen her")
    unseen = await browser.post(path, data=form | {"confirmed": "yes"})
    assert unseen.status_code == 200, "nobody confirms what no page has named"
    assert "Diallo" not in unseen.text, "the first name is enough"
    named = re.findall(r"<dd>(.*?)</dd>", unseen.text)
    assert (named[0], named[1]) == ("C1", "Amara")
    looked_up, acted = await said_by_console(opened, child)
    assert (looked_up.content.kind, acted.content.act) == ("register.looked-up.v1", "child-revealed")
    again = await browser.post(path, data=form)
    assert (again.status_code, "Is it this child?" in again.text) == (200, True)
    assert len(await said_by_console(opened, child)) == 2, (
        "the same form looks up once, and without the second word nothing is done"
    )
    assert (await browser.post(path, data=form | {"confirmed": "yes"})).status_code == 303
    [done], [said] = (await said_by_console(opened, child))[2:], await held_by_console(opened, child)
    assert (said.content.proof, done.content.act, done.content.said) == ("person", act, (said.id,))


async def test_who_has_gone_on_meanwhile_is_not_named_for_an_act_that_is_no_longer_meant(
    browser: httpx.AsyncClient, opened: Store, case: Case
) -> None:
    path = f"/episodes/{case.episode}/acts/returned"
    form = await fill(browser, path, reason="Seen at the door")
    await hear(opened, HANDLERS, heard(episode_changed(case.episode, revision=2, state="returned"), case.child))
    assert (await browser.post(path, data=form)).status_code == 409
    assert await said_by_console(opened, case.child) == []


async def test_that_a_child_is_not_back_after_all_is_recorded_at_once(
    browser: httpx.AsyncClient, opened: Store, case: Case
) -> None:
    await hear(opened, HANDLERS, heard(episode_changed(case.episode, revision=2, state="returned"), case.child))
    path = f"/episodes/{case.episode}/acts/return-retracted"
    assert (await browser.post(path, data=await fill(browser, path, reason="It was another"))).status_code == 303


async def test_a_page_that_has_been_overtaken_is_refused_and_records_nothing(
    browser: httpx.AsyncClient, opened: Store, case: Case
) -> None:
    path = f"/duties/{case.duty}/acts/acknowledged-for"
    form = await fill(browser, path, step="1", reason="She rang me")
    answered = duty_changed(case.episode, duty=case.duty, revision=2, state="acknowledged")
    await hear(opened, HANDLERS, heard(answered, case.child))
    refused = await browser.post(path, data=form)
    assert refused.status_code == 409
    assert "is now acknowledged" in refused.text
    assert "nothing was recorded" in refused.text
    assert await said_by_console(opened, case.child) == []


async def test_what_has_gone_out_is_not_contradicted_before_the_page_shows_it(
    browser: httpx.AsyncClient, opened: Store, case: Case
) -> None:
    returned, retracted = (f"/episodes/{case.episode}/acts/{act}" for act in ("returned", "report-retracted"))
    contrary = await fill(browser, retracted, reason="A mistake")
    await confirm(browser, returned, await fill(browser, returned, reason="Seen at the door"))
    refused = await browser.post(retracted, data=contrary)
    assert refused.status_code == 409
    assert f"Recorded by {MANAGER}: back. It goes out within a minute" in refused.text
    assert "It has changed since you opened the page" not in refused.text
    async with opened.engine.begin() as connection:
        fired = text("UPDATE deadlines.due SET fired_at = now() WHERE child = :child")
        await connection.execute(fired, {"child": case.child})
    assert (await browser.post(retracted, data=contrary)).status_code == 409
    page = (await browser.get(f"/episodes/{case.episode}")).text
    assert ("It has gone out" in page, "acts/undone" in page) == (True, False)
    shown = episode_changed(case.episode, revision=2, state="missing")
    await hear(opened, HANDLERS, heard(shown, case.child, at=CLOCKS.story() + timedelta(seconds=1)))
    assert (await browser.get(retracted)).status_code == 200


async def test_an_interview_of_a_child_who_is_not_back_is_refused_with_the_reason(
    browser: httpx.AsyncClient, opened: Store, case: Case
) -> None:
    page, path = f"/episodes/{case.episode}", f"/episodes/{case.episode}/acts/return-interview"
    assert "acts/return-interview" not in (await browser.get(page)).text
    assert (await browser.get(path)).status_code == 409
    await hear(opened, HANDLERS, heard(episode_changed(case.episode, revision=2, state="returned"), case.child))
    form = await fill(browser, path, state="declined", note="Said no at the home")
    await hear(opened, HANDLERS, heard(episode_changed(case.episode, revision=3, state="missing"), case.child))
    for seen in (form["seen"], "missing"):
        refused = await browser.post(path, data=form | {"seen": seen})
        assert refused.status_code == 409
        assert "The case is now missing" in refused.text
        assert "recorded once the child is back" in refused.text
    assert await said_by_console(opened, case.child) == []


async def test_what_is_missing_is_named_and_what_was_written_is_still_there(
    browser: httpx.AsyncClient, opened: Store, case: Case
) -> None:
    path = f"/duties/{case.duty}/acts/phoned"
    form = await fill(browser, path, step="0", reference="NM <2026> 118")
    refused = await browser.post(path, data=form)
    assert refused.status_code == 422
    assert "Who took the call: this is needed" in refused.text
    assert "NM &lt;2026&gt; 118" in refused.text
    assert await said_by_console(opened, case.child) == []


async def test_a_fault_is_named_as_the_form_names_its_field(
    browser: httpx.AsyncClient, opened: Store, case: Case
) -> None:
    """Each act may name a field in its own way."""
    path = f"/episodes/{case.episode}/acts/returned"
    returned = (await browser.post(path, data=await fill(browser, path, happened_at="soon"))).text
    reported = (await browser.post("/report", data=await fill(browser, "/report", story="Gone"))).text
    form = {"csrf": csrf_in(await browser.get("/exercise")), "act": str(uuid4()), "area": "force"}
    exercise = (await browser.post("/exercise", data=form)).text
    for page, most in ((returned, 2), (reported, 1), (exercise, 1)):
        named = re.findall(r'<li><a href="#(\w+)">([^<]*): ', page)
        labels = dict(
            re.findall(r'<div class="field[^"]*">\s*<label for="(\w+)">([^<(]*?)(?: \(optional\))?</label>', page)
        )
        assert len(named) >= most
        assert [labels.get(field, label) for field, label in named] == [label for _, label in named]
    assert "Who has seen the child, where and when: this is needed" in returned


@pytest.mark.parametrize("role", [OperatorRole.AUDITOR, OperatorRole.OPERATOR])
async def test_a_role_that_may_not_act_gets_neither_the_form_nor_the_act(
    app: FastAPI, browser: httpx.AsyncClient, opened: Store, case: Case, role: OperatorRole
) -> None:
    path = f"/episodes/{case.episode}/acts/returned"
    form = await fill(browser, path, reason="Seen at the door")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as other:
        await sign_in(other, await account(opened, role))
        page = await other.get(f"/episodes/{case.episode}")
        assert "/acts/returned" not in page.text
        assert (await other.get(path)).status_code == 403
        assert (await other.post(path, data=form | {"csrf": csrf_in(page)})).status_code == 403
    assert await said_by_console(opened, case.child) == []


async def test_nobody_acts_on_another_authoritys_child(
    app: FastAPI, browser: httpx.AsyncClient, opened: Store, case: Case
) -> None:
    form = await fill(browser, f"/episodes/{case.episode}/acts/returned", reason="x")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as other:
        await sign_in(other, await account(opened, OperatorRole.SOCIAL_WORKER, authority="lapwing"))
        own = csrf_in(await other.get("/"))
        for path in (f"/episodes/{case.episode}/acts/returned", f"/duties/{case.duty}/acts/phoned"):
            assert (await other.get(path)).status_code == 404
            assert (await other.post(path, data=form | {"csrf": own})).status_code == 404
        assert (await other.get(f"/duties/{case.duty}")).status_code == 404
    assert await said_by_console(opened, case.child) == []


async def test_the_timeline_says_who_acted_and_why_to_those_who_may_read_it(
    app: FastAPI, browser: httpx.AsyncClient, opened: Store, case: Case
) -> None:
    path = f"/episodes/{case.episode}/acts/located"
    await confirm(browser, path, await fill(browser, path, reason="With an aunt <in> Leeds"))
    await hear(opened, HANDLERS, *(await said_by_console(opened, case.child)))
    page = (await browser.get(f"/episodes/{case.episode}")).text
    assert f"{MANAGER}, duty manager" in page
    assert "With an aunt &lt;in&gt; Leeds" in page
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as other:
        await sign_in(other, await account(opened, OperatorRole.OPERATOR))
        theirs = (await other.get(f"/episodes/{case.episode}")).text
    assert (MANAGER in theirs, "an aunt" in theirs) == (True, False)


async def test_an_act_in_an_exercise_is_marked_as_one(browser: httpx.AsyncClient, opened: Store) -> None:
    child, episode = new_id("provisional"), uuid4()
    report = heard(episode_changed(episode), child)
    await hear(opened, HANDLERS, Received(report.source, report.id, child, report.time, report.content, exercise=True))
    path = f"/episodes/{episode}/acts/returned"
    await confirm(browser, path, await fill(browser, path, reason="The exercise is over"))
    said = [*await said_by_console(opened, child), *await held_by_console(opened, child)]
    assert [each.exercise for each in said] == [True, True]


async def test_a_strategy_discussion_is_moved_from_its_episode(
    browser: httpx.AsyncClient, opened: Store, case: Case
) -> None:
    planned = StrategyDiscussionChanged(
        authority="kestrel",
        episode=case.episode,
        discussion=1,
        sequence=0,
        state="planned",
        starts_at=CLOCKS.story() + timedelta(hours=3),
        quorum="not-reached",
    )
    await hear(opened, HANDLERS, heard(planned, case.child))
    path = f"/episodes/{case.episode}/acts/discussion-redated"
    to = CLOCKS.story() + timedelta(days=1)
    form = await fill(browser, path, starts_at=f"{to:%Y-%m-%dT%H:%M}", reason="Health cannot come")
    assert (await browser.post(path, data=form)).status_code == 303
    moved = (await said_by_console(opened, case.child))[0]
    assert moved.content.kind == "strategy-discussion.redated.v1"
    await hear(opened, HANDLERS, heard(planned.model_copy(update={"sequence": 1}), case.child))
    again = await browser.post(path, data=form | {"act": str(uuid4())})
    assert again.status_code == 409


async def test_a_duty_of_no_episode_has_a_page_to_answer_it_on(browser: httpx.AsyncClient, opened: Store) -> None:
    child = new_id("child")
    watch = duty_changed(None, step(0, Role.CHILD_SOCIAL_WORKER), deed=Deed("watch-review"))
    await hear(opened, HANDLERS, heard(watch, child))
    assert f"/duties/{watch.duty}" in (await browser.get("/")).text
    path = f"/duties/{watch.duty}/acts/watch-review"
    answer = await browser.post(path, data=await fill(browser, path, goes_on="no", note="Settled, talked to her"))
    assert landing(answer) == f"/duties/{watch.duty}?done=held-watch-review"
    page = (await browser.get(answer.headers["location"])).text
    assert "Recorded: review of the raised risk. It goes out in one minute" in page
    for forged in (landing(answer), answer.headers["location"].replace("watch-review&", "return-interview&")):
        assert "It goes out in one minute" not in (await browser.get(forged)).text, "nobody else writes that on a page"
    assert (f"/duties/{watch.duty}/acts/undone" in page, path in page) == (True, False)


async def test_of_what_was_recorded_within_a_minute_one_is_undone_alone(
    browser: httpx.AsyncClient, opened: Store, case: Case
) -> None:
    page = f"/episodes/{case.episode}/acts"
    await hear(
        opened, HANDLERS, heard(episode_changed(case.episode, revision=2).model_copy(update={"force": "f"}), case.child)
    )
    await browser.post(f"{page}/police-grade", data=await fill(browser, f"{page}/police-grade", grade="high"))
    await confirm(browser, f"{page}/returned", await fill(browser, f"{page}/returned", reason="Another child"))
    both = (await browser.get(f"{page}/undone")).text
    assert ("Undo all of them" in both, both.count('href="?only=')) == (True, 2)
    path = f"{page}/undone" + re.findall(r'href="(\?only=[\w-]+)">Back<', both)[0]
    alone = (await browser.get(path)).text
    assert (alone.count("Recorded by"), 'href="?only=' in alone, "Undo all" in alone) == (1, False, False)
    assert (await browser.post(path, data=await fill(browser, path))).status_code == 303
    assert [type(each.content) for each in await held_by_console(opened, case.child)] == [PoliceRiskGraded]
    assert (await browser.get(path)).status_code == 409, "it is undone"
    assert (await browser.get(f"{page}/undone?only={uuid4()}")).status_code == 409


async def test_whoever_had_a_child_before_neither_sees_nor_undoes_what_its_authority_records(
    app: FastAPI, opened: Store, case: Case
) -> None:
    watch = duty_changed(None, step(0, Role.CHILD_SOCIAL_WORKER), deed=Deed("watch-review"))
    watch = watch.model_copy(update={"authority": "lapwing"})
    await hear(opened, HANDLERS, heard(watch, case.child))
    path = f"/duties/{watch.duty}/acts/watch-review"
    async with browser_at(app, somewhere()) as now, browser_at(app, somewhere()) as before:
        await sign_in(now, await account(opened, name="Lena Lapwing", authority="lapwing"))
        await now.post(path, data=await fill(now, path, goes_on="no", note="Settled"))
        await sign_in(before, await account(opened, authority="kestrel"))
        page = (await before.get(f"/episodes/{case.episode}")).text
        assert ("Lena Lapwing" in page, "acts/undone" in page) == (False, False)
        assert (await before.get(f"/episodes/{case.episode}/acts/undone")).status_code == 409
    assert len(await held_by_console(opened, case.child)) == 1


async def test_a_deed_is_undone_within_its_minute_and_corrected_once_it_has_gone_out(
    browser: httpx.AsyncClient, opened: Store
) -> None:
    child = new_id("child")
    asked = duty_changed(None, step(0, Role.CHILD_SOCIAL_WORKER), deed=Deed("risk-assessment"))
    await hear(opened, HANDLERS, heard(asked, child))
    path = f"/duties/{asked.duty}/acts/risk-assessment"
    day = CLOCKS.story().date() + timedelta(days=30)
    answers = {"missing": "high", "trafficker_influence": "low", "review_on": str(day), "note": "With the carer"}
    assert (await browser.post(path, data=await fill(browser, path, **answers))).status_code == 303
    undo = f"/duties/{asked.duty}/acts/undone"
    assert (await browser.post(undo, data=await fill(browser, undo))).status_code == 303
    recorded = RiskAssessmentRecorded(authority="kestrel", missing="low", trafficker_influence="low", review_on=day)
    name = uuid4()
    await hear(opened, HANDLERS, heard(recorded, child, at=CLOCKS.story(), id_=str(name)))
    over = asked.model_copy(update={"revision": 2, "state": DutyState.CANCELLED, "ended_because": "answered"})
    await hear(opened, HANDLERS, heard(over, child))
    assert "stays on the record" in (await browser.get(path)).text
    await browser.post(path, data=await fill(browser, path, **answers))
    async with opened.read() as reader:
        [held] = [each.content for each in (await reader.fetch(waiting(child, None, CLOCKS.story(), bool))).held]
    assert isinstance(held, RiskAssessmentRecorded)
    assert (held.missing, held.corrects_event) == ("high", name)


async def test_what_an_agency_recorded_is_corrected_on_the_cases_page(
    browser: httpx.AsyncClient, opened: Store, case: Case
) -> None:
    name, page = uuid4(), f"/episodes/{case.episode}"
    checked = SafeAndWellCheckRecorded(authority="kestrel", episode=case.episode, seen_by="police", safe=True)
    await hear(opened, HANDLERS, heard(checked, case.child, at=CLOCKS.story(), id_=str(name)))
    path = f"{page}/acts/safe-and-well-check?corrects={name}"
    assert f'href="{path}"' in (await browser.get(page)).text
    form = await fill(browser, path, seen_by="police", safe="no", hurt="no", note="He was not seen")
    assert 'value="police" id="seen_by" required checked' in (await browser.get(path)).text, (
        "filled in with what stands"
    )
    assert landing(await browser.post(path, data=form)) == f"{page}?done=held-safe-and-well-check"
    [held] = await held_by_console(opened, case.child)
    assert (held.content.safe, held.content.corrects_event) == (False, name)
    wrong = f"{page}/acts/return-interview?corrects={name}"
    assert (await browser.get(wrong)).status_code == 409, "it is a record of something else"


async def test_the_record_of_a_discussion_is_corrected_in_who_came_and_what_was_decided(
    browser: httpx.AsyncClient, opened: Store, case: Case
) -> None:
    name, page = uuid4(), f"/episodes/{case.episode}"
    held_on = CLOCKS.story().date()
    step_ = PlannedStep(owner=Role.CHILD_SOCIAL_WORKER, due_on=held_on)
    record = StrategyDiscussionHeld(
        authority="kestrel", episode=case.episode, discussion=2, held_on=held_on, form="urgent", section_47="no-enquiry",
        came=(Role.DUTY_WORKER,), plan=(step_,), words=(f"words-{uuid4()}", f"words-{uuid4()}"),
    )  # fmt: skip
    await hear(opened, HANDLERS, heard(record, case.child, at=CLOCKS.story(), id_=str(name)))
    path = f"{page}/acts/discussion-corrected?corrects={name}"
    assert f'href="{path}"' in (await browser.get(page)).text
    assert (await browser.get(path.partition("?")[0])).status_code == 409
    shown = (await browser.get(path)).text
    assert (
        'value="no-enquiry" id="section_47-no-enquiry" required checked' in shown,
        "Duty social worker" in shown,
    ) == (True, False)
    answers = {"section_47": "enquiry", "came": "duty.worker,child.health-practitioner", "reason": "Health came too"}
    assert (await browser.post(path, data=await fill(browser, path, **answers))).status_code == 303
    [corrected] = await held_by_console(opened, case.child)
    now = corrected.content
    assert (now.corrects_event, now.section_47, now.discussion, now.held_on) == (name, "enquiry", 2, held_on)
    assert (now.came, now.plan, len(now.words)) == ((Role.DUTY_WORKER, Role.CHILD_HEALTH_PRACTITIONER), (), 1)


@pytest.mark.parametrize("path", ["/duties/{id}", "/duties/{id}/acts/phoned", "/episodes/{id}/acts/returned"])
async def test_what_nobody_knows_is_a_page_that_says_so(browser: httpx.AsyncClient, path: str) -> None:
    assert (await browser.get(path.format(id=uuid4()))).status_code == 404


@pytest.mark.parametrize("act", ["dead-letter-redriven", "nonsense"])
async def test_an_act_without_a_form_is_no_page(browser: httpx.AsyncClient, case: Case, act: str) -> None:
    assert (await browser.get(f"/episodes/{case.episode}/acts/{act}")).status_code == 404


@pytest.mark.parametrize("role", [OperatorRole.AUDITOR, OperatorRole.OPERATOR])
async def test_who_need_not_know_is_never_shown_a_name(
    app: FastAPI, opened: Store, case: Case, role: OperatorRole
) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as other:
        await sign_in(other, await account(opened, role))
        assert (await other.get(f"/episodes/{case.episode}/acts/child-revealed")).status_code == 403


async def test_the_timeline_of_an_erased_child_is_shown_without_the_reasons(
    browser: httpx.AsyncClient, opened: Store, case: Case, database: Database, keyring: Keyring
) -> None:
    path = f"/episodes/{case.episode}/acts/located"
    await confirm(browser, path, await fill(browser, path, reason="With an aunt in Leeds"))
    await hear(opened, HANDLERS, *(await said_by_console(opened, case.child)))
    await erase(database, keyring, case.child)
    page = await browser.get(f"/episodes/{case.episode}")
    assert page.status_code == 200
    assert (MANAGER in page.text, "an aunt" in page.text) == (True, False)
