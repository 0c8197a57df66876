"""Holds and erasure at the console: by whom, by how many, what stops them, and what is on the record."""

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from services.console.policy.access import Operator
from services.console.read_model.projections import Handlers
from services.console.web import pages
from services.console.web.pages.overview import Changes
from services.options.holds_and_erasure import service as disposal
from services.options.holds_and_erasure.service import DisposalService, Named
from services.options.own_accounts.option import OPTION as OWN
from services.platform.register import words
from services.platform.runtime.clocks import Clocks
from services.platform.store import disposal as erasures
from services.platform.store.disposal import ALONE, MAY_SWEEP, Disposal
from services.platform.store.encryption import Keyring
from services.platform.store.query import AT_LOGIN, Query, Rows
from services.platform.store.unit_of_work import Store
from services.safeguarding.duty.decisions import EpisodeState
from services.safeguarding.identifiers import code_of
from services.safeguarding.operators import OperatorActed, OperatorRole
from tests.support.engines.database import Database
from tests.support.in_process.console import (
    account,
    browser_at,
    csrf_in,
    duty_changed,
    episode_changed,
    hear,
    heard,
    landing,
    said_by_console,
    settings_of,
    sign_in,
    somewhere,
)
from tests.support.in_process.delivery import eventually
from tests.support.in_process.register import authority, load

HANDLERS = Handlers(Clocks())


@dataclass
class Records:
    """An authority of its own with two duty managers, and one of another authority."""

    database: Database
    app: FastAPI
    store: Store
    authority: str
    ids: dict[str, str]
    people: dict[str, str]

    async def shows(self, who: str, path: str = "/records") -> httpx.Response:
        async with browser_at(self.app, somewhere()) as browser:
            await sign_in(browser, self.people[who])
            return await browser.get(path)

    async def does(self, who: str, what: str, **said: str) -> str:
        """Where it leads, or the page that says why not."""
        async with browser_at(self.app, somewhere()) as browser:
            await sign_in(browser, self.people[who])
            form = {"csrf": csrf_in(await browser.get("/records")), "act": str(uuid4()), "what": what}
            answer = await browser.post("/records", data=form | said)
        assert answer.status_code in {303, 422}, answer.text
        return landing(answer) if answer.is_redirect else answer.text

    async def waiting(self, who: str, what: str = "approve") -> str:
        """The id in the only form of this kind."""
        page = (await self.shows(who)).text
        [found] = re.findall(rf'name="what" value="{what}"><input type="hidden" name="id" value="([^"]+)"', page)
        return str(found)

    async def acts(self, subject: str) -> list[tuple[str, int]]:
        """Each with how many words it names."""
        said = await said_by_console(self.store, subject)
        return [
            (str(each.content.act), len(each.content.words)) for each in said if isinstance(each.content, OperatorActed)
        ]

    def administered(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database.admin_url, options=AT_LOGIN, autocommit=True) as admin:
            cursor = admin.execute(sql.encode(), values)
            return cursor.fetchall() if cursor.description else []

    async def of_theirs(self, content: Any) -> Any:
        return content.model_copy(update={"authority": self.authority})


@pytest.fixture
async def records(database: Database, keyring: Keyring, app: FastAPI, opened: Store) -> Records:
    document, engine = authority(), database.engine("casework")
    ids = await load(engine, keyring, document, datetime(2026, 11, 24, tzinfo=UTC))
    await engine.dispose()
    name = document["authority"]["id"]
    people = {who: await account(opened, authority=name, name=f"Manager {who}") for who in ("first", "second")}
    people["elsewhere"] = await account(opened, authority="lapwing")
    people["everywhere"] = await account(opened)
    people["worker"] = await account(opened, OperatorRole.SOCIAL_WORKER, authority=name)
    return Records(database, app, opened, name, ids, people)


async def test_a_childs_page_says_that_it_is_held_where_nobody_may_hold_or_erase_here(records: Records) -> None:
    await records.does("first", "hold", whom="C1", reason="The coroner has asked")
    path = f"/children/{records.ids['C1']}"
    assert 'href="/records"' in (await records.shows("second", path)).text
    changes = Changes(records.store.channels, Clocks())
    own = [OWN.pages["console"]]
    records.app = pages(records.store, Clocks(), changes, settings_of(records.database), own)
    page = (await records.shows("second", path)).text
    assert "have been kept for an inquiry" in page
    assert 'href="/records"' not in page
    assert (await records.shows("second")).status_code == 404


async def test_a_hold_is_made_and_ended_with_a_reason_and_shown_on_the_childs_page(records: Records) -> None:
    reason = "The coroner has asked"
    assert "Say why" in await records.does("first", "hold", whom="C1", reason="")
    assert "Nobody goes by that" in await records.does("first", "hold", whom="C404", reason=reason)
    assert await records.does("first", "hold", whom="c1", reason=reason) == "/records?done=hold"
    assert (
        reason in (await records.shows("second")).text,
        "Manager first" in (await records.shows("second")).text,
    ) == (True, True)
    assert "have been kept for an inquiry" in (await records.shows("second", f"/children/{records.ids['C1']}")).text
    assert "have been kept for an inquiry" not in (await records.shows("second", f"/children/{records.ids['C2']}")).text
    assert "held for an inquiry" in await records.does("second", "erase", whom="C1", reason="asked")
    hold = await records.waiting("second", "end-hold")
    assert "Say why" in await records.does("second", "end-hold", id=hold, reason="")
    await records.does("elsewhere", "end-hold", id=hold, reason="not mine")
    assert "have been kept for an inquiry" in (await records.shows("second", f"/children/{records.ids['C1']}")).text
    assert await records.does("second", "end-hold", id=hold, reason="It has closed") == "/records?done=end-hold"
    assert "have been kept for an inquiry" not in (await records.shows("second", f"/children/{records.ids['C1']}")).text
    assert await records.acts(records.ids["C1"]) == [("hold-made", 1), ("hold-ended", 1)]
    [(sealed,)] = records.administered(
        "SELECT count(*) FROM register.words WHERE about = %s", f"authority-{records.authority}"
    )
    assert sealed == 2


async def test_a_child_is_erased_by_two_people_and_never_by_one(records: Records, keyring: Keyring) -> None:
    child = records.ids["C2"]
    async with records.store.transaction() as uow:
        await words.keep(uow, keyring, about=child, words="hello", said_by=None, at=datetime.now(UTC))
    assert await records.does("first", "erase", whom="C2", reason="Asked by its guardian") == "/records?done=erase"
    await records.does("first", "erase", whom="C2", reason="Asked again")
    asked = await records.waiting("second")
    assert "somebody else approves it" in await records.does("first", "approve", id=asked)
    assert "Nobody asks for this" in await records.does("elsewhere", "approve", id=asked)
    known = "SELECT (SELECT count(*) FROM register.children WHERE id = %s) + (SELECT count(*) FROM register.words WHERE about = %s)"
    assert records.administered(known, child, child) == [(2,)]
    assert await records.does("second", "approve", id=asked) == "/records?done=approve"
    assert records.administered(known, child, child) == [(0,)]
    assert records.administered("SELECT owner FROM disposal.destroyed WHERE owner = %s", child) == [(child,)]
    assert "Nobody asks for this" in await records.does("second", "approve", id=asked)
    assert await records.acts(child) == [("erasure-asked", 1), ("erasure-approved", 0)]
    page = (await records.shows("first")).text
    assert ("A child who is no longer known" in page, "C2" in page) == (True, False)


@pytest.mark.parametrize("open_", ["episode", "duty", "discussion"])
async def test_nobody_is_erased_whom_somebody_still_looks_for_or_owes_something(records: Records, open_: str) -> None:
    """Also where it was asked for before that began."""
    code = {"episode": "C11", "duty": "C12", "discussion": "C13"}[open_]
    child, episode = records.ids[code], uuid4()
    assert await records.does("first", "erase", whom=code, reason="asked") == "/records?done=erase"
    why = code_of(episode)
    if open_ == "episode":
        await hear(records.store, HANDLERS, heard(await records.of_theirs(episode_changed(episode)), child))
    elif open_ == "duty":
        duty, why = await records.of_theirs(duty_changed(None)), "somebody has still to answer or do it"
        await hear(records.store, HANDLERS, heard(duty, child))
    else:
        planned = """
            INSERT INTO strategy.discussions (discussion, episode, number, child, authority, sequence, state, starts_at, exercise,
                form, ends_at, warns_at, unless, answers_within)
            VALUES (gen_random_uuid(), %s, 1, %s, %s, 0, 'planned', now() + '1 hour', false, 'urgent', now(), now(), '{}', '1 hour')
        """
        records.administered(planned, episode, child, records.authority)
        why = "A strategy discussion is planned"
    refused = await records.does("second", "approve", id=await records.waiting("second"))
    assert why in refused
    assert records.administered("SELECT count(*) FROM register.children WHERE id = %s", child) == [(1,)]
    if open_ == "episode":
        over = episode_changed(episode, revision=2, state=EpisodeState.CLOSED)
        await hear(records.store, HANDLERS, heard(await records.of_theirs(over), child))
        assert await records.does("second", "approve", id=await records.waiting("second")) == "/records?done=approve"
    else:
        assert (
            await records.does("first", "withdraw", id=await records.waiting("second", "withdraw"))
            == "/records?done=withdraw"
        )


async def test_an_erasure_may_take_longer_than_a_page(
    records: Records, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks through whole tables, and whoever makes a hold waits for it. It waits for no row for long: others wait for
    those that it holds by then.
    """
    for name in ("HINDRANCES", "APPROVE"):
        monkeypatch.setattr(
            erasures, name, "SELECT current_setting('statement_timeout'), current_setting('lock_timeout') AS lock"
        )
    service, asked, child = DisposalService(records.store, Clocks(), keyring), uuid4(), records.ids["C1"]
    operator = Operator("account-1", "N", OperatorRole.DUTY_MANAGER, frozenset([records.authority]))
    records.administered(
        "INSERT INTO disposal.erasures (id, authority, owner, asked_by, asked_at) VALUES (%s, %s, %s, 'account-2', now())",
        *(asked, records.authority, child),
    )
    whom = Named(records.authority, child)
    assert await service.ask(operator, uuid4(), whom, "asked") == [("5min", "5min")]
    assert await service.approve(operator, uuid4(), asked) == [("5min", "2s")]

    def is_so_patient(rows: Rows) -> None:
        raise RuntimeError(rows[0][0])

    monkeypatch.setattr(disposal, "ALONE", Query("SELECT current_setting('lock_timeout')", {}, is_so_patient))
    with pytest.raises(RuntimeError, match="5min"):
        await service.hold(operator, uuid4(), whom, "an inquiry")


async def test_if_a_record_stays_locked_nothing_is_erased_and_whoever_approves_is_to_ask_again(
    records: Records,
) -> None:
    child = records.ids["C2"]
    await records.does("first", "erase", whom="C2", reason="asked")
    asked = await records.waiting("second")
    with psycopg.connect(records.database.admin_url, options=AT_LOGIN) as admin:
        admin.execute("SELECT FROM register.children WHERE id = %s FOR UPDATE", [child])
        async with asyncio.timeout(30):
            assert "approve it again in a minute" in await records.does("second", "approve", id=asked)
    assert records.administered("SELECT count(*) FROM register.children WHERE id = %s", child) == [(1,)]
    assert await records.acts(child) == [("erasure-asked", 1)]
    assert await records.does("second", "approve", id=asked) == "/records?done=approve"


async def test_a_carer_is_erased_once_they_care_for_nobody(records: Records) -> None:
    assert "cares for children now" in await records.does("first", "erase", whom="ash", reason="left")
    assert "is on the rota" in await records.does("first", "erase", whom="day", reason="left")
    assert await records.does("first", "erase", whom="gone", reason="left") == "/records?done=erase"
    assert "A carer or professional (gone)" in (await records.shows("second")).text, "who approves sees whom"
    assert await records.does("second", "approve", id=await records.waiting("second")) == "/records?done=approve"
    assert records.administered("SELECT count(*) FROM register.people WHERE id = %s", records.ids["gone"]) == [(0,)]
    assert "A hold is of a child" in await records.does("first", "hold", whom="ash", reason="asked")


async def test_the_authority_as_a_whole_is_held_and_erased_by_the_operators_command_alone(records: Records) -> None:
    destroyed = "SELECT count(*) FROM disposal.destroyed WHERE owner = %s"
    asked, owner = str(uuid4()), f"authority-{records.authority}"
    assert "A whole authority is erased with its key" in await records.does("first", "erase", whom="", reason="asked")
    assert records.administered("SELECT FROM disposal.erasures WHERE owner = %s", owner) == []
    records.administered(
        "INSERT INTO disposal.erasures (id, authority, owner, asked_by, asked_at) VALUES (%s, %s, %s, 'account-2', now())",
        *(asked, records.authority, owner),
    )
    assert 'value="approve"' not in (await records.shows("second")).text
    assert "A whole authority is erased with its key" in await records.does("second", "approve", id=asked)
    assert records.administered(destroyed, owner) == [(0,)]
    assert await records.does("second", "withdraw", id=asked) == "/records?done=withdraw"
    assert await records.does("first", "hold", whom="", reason="A public inquiry") == "/records?done=hold"
    assert f"<h3>The whole of {records.authority}</h3>" in (await records.shows("first")).text
    assert "All records of the authority" in (await records.shows("second", f"/children/{records.ids['C14']}")).text
    assert "held for an inquiry" in await records.does("first", "erase", whom="C14", reason="asked")


async def test_nothing_is_held_of_an_authority_that_is_none_nor_of_one_of_two_by_one_name(records: Records) -> None:
    said = {"authority": records.authority, "whom": "", "reason": "A public inquiry"}
    assert "Nobody goes by that" in await records.does("everywhere", "hold", **said | {"authority": "kestral"})
    assert await records.does("everywhere", "hold", **said) == "/records?done=hold"
    records.administered("UPDATE register.people SET reference = 'C16' WHERE id = %s", records.ids["gone"])
    assert "more than one" in await records.does("everywhere", "erase", **said | {"whom": "C16"})


async def test_nothing_is_erased_that_is_also_about_somebody_who_is_held(records: Records) -> None:
    """Not with whom it came from, not with another child in it, not with an authority that had the child before."""
    assert await records.does("first", "hold", whom="C1", reason="The coroner has asked") == "/records?done=hold"
    text_in = """
        INSERT INTO carers.texts_in (message_sid, number_hash, sender, body, received_at, story_at, next_try_at, about)
        SELECT %s, number_hash, '', '', now(), now(), now(), %s FROM register.people WHERE id = %s
    """
    about = [records.ids["C1"], records.ids["C2"]]
    records.administered(text_in, f"SM{uuid4().hex}", about, records.ids["gone"])
    for whom in ("gone", "C2"):
        assert "held for an inquiry" in await records.does("first", "erase", whom=whom, reason="asked")
    assert await records.does("first", "erase", whom="C11", reason="asked") == "/records?done=erase"
    records.administered("UPDATE disposal.holds SET authority = 'lapwing' WHERE child = %s", records.ids["C1"])
    hinders = "SELECT what FROM disposal.hindrances(%s)"
    assert ("hold",) in records.administered(hinders, f"authority-{records.authority}"), "its key opens those rows too"


async def test_a_hold_waits_for_what_is_being_deleted_and_is_of_what_is_left(
    records: Records, keyring: Keyring
) -> None:
    """By a sweep, or with a child: of one that was erased meanwhile nothing is held."""
    service, child = DisposalService(records.store, Clocks(), keyring), records.ids["C11"]
    operator = Operator("account-1", "N", OperatorRole.DUTY_MANAGER, frozenset([records.authority]))
    whom = await service.whom(operator, "C11", records.authority)
    assert whom is not None
    waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    async with records.store.transaction() as sweeping:
        assert await sweeping.fetch(MAY_SWEEP)
        holding = asyncio.create_task(service.hold(operator, uuid4(), whom, "The coroner has asked"))
        await eventually(lambda: records.administered(waits) != [(0,)] or holding.done())
        assert not holding.done()
        records.administered("DELETE FROM register.children WHERE id = %s", child)
    assert await holding == [("erased", None)]


async def test_nothing_is_swept_while_a_hold_is_being_made(records: Records) -> None:
    letter, sweep = str(uuid4()), Disposal(records.store, Clocks(), "console").turn
    old = "INSERT INTO console.dead_letters VALUES (%s, 's', 'o', 'r', NULL, now() - interval '400 days')"
    records.administered(old, letter)
    left = "SELECT count(*) FROM console.dead_letters WHERE letter = %s"
    async with records.store.transaction() as holding:
        await holding.fetch(ALONE)
        await sweep()
        assert records.administered(left, letter) == [(1,)]
    await sweep()
    assert records.administered(left, letter) == [(0,)]


async def test_only_a_duty_manager_comes_to_this_page_and_sees_their_own(records: Records) -> None:
    assert (await records.shows("worker")).status_code == 403
    await records.does("first", "hold", whom="C15", reason="Of nobody else's concern")
    assert "Of nobody else" not in (await records.shows("elsewhere")).text
    assert "Holds and erasure" in (await records.shows("first", "/")).text
    assert "Holds and erasure" not in (await records.shows("worker", "/")).text
