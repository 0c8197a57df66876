"""The console in a test's own hands: what it would have heard, its pages, and somebody who is signed in."""

import re
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text

from services.console.read_model.projections import Handlers
from services.console.settings import ConsoleSettings
from services.console.web import pages
from services.console.web.pages.overview import Changes
from services.options.own_accounts import store as own_accounts
from services.platform.messages.envelope import Received, read
from services.platform.option import pages_of
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import Origin, Store
from services.run import fit_options
from services.safeguarding.duty.decisions import DutyChanged, DutyState, EpisodeChanged, EpisodeState, StepRecord
from services.safeguarding.message import Message
from services.safeguarding.operators import AccessRecorded, OperatorAct, OperatorActed, OperatorRole
from services.safeguarding.roles import Channel, Deed, Role, Wording
from tests.support.engines.database import Database

MISSING_NOTICE = Wording("missing-notice")
GUESTS = pages_of(fit_options(), "console")
"""The pages of every option."""

REPORTED_AT = datetime(2026, 11, 24, 22, 15, tzinfo=UTC)
PASSWORD = "correct horse battery"
SEAL = PasswordHasher(time_cost=1, memory_cost=64).hash(PASSWORD)
"""Cheap to check: how a real one is made is the accounts' own test."""
CSRF = re.compile(r'name="csrf" value="([^"]+)"')


@pytest.fixture
async def opened(database: Database) -> AsyncIterator[Store]:
    """What the console writes and reads with."""
    store = Store(database.engine("console"), origin=Origin("console", Clocks()))
    yield store
    await store.close()


@pytest.fixture
def app(database: Database, opened: Store) -> FastAPI:
    """The console's pages, which follow no changes."""
    clocks = Clocks()
    changes = Changes(opened.channels, clocks)
    return pages(opened, clocks, changes, settings_of(database), GUESTS)


@asynccontextmanager
async def browser_at(app: FastAPI, place: str) -> AsyncIterator[httpx.AsyncClient]:
    """Signed out. `place`: the address that it comes from."""
    transport = httpx.ASGITransport(app, client=(place, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://console") as browser:
        yield browser


def settings_of(database: Database) -> ConsoleSettings:
    """With the keys of the `keyring` fixture."""
    keys = {
        "master_key": SecretStr(b64encode(b"m" * 32).decode()),
        "phone_key": SecretStr(b64encode(b"p" * 32).decode()),
    }
    return ConsoleSettings.model_validate(database.settings("console").model_dump() | keys)


async def account(
    store: Store,
    role: OperatorRole = OperatorRole.DUTY_MANAGER,
    *,
    authority: str | None = None,
    name: str = "Test Operator",
) -> str:
    """A new one's sign-in name; its password is `PASSWORD`."""
    sign_in = f"{uuid4()}@kestrel.example"
    async with store.transaction() as uow:
        made = await own_accounts.add_account(
            uow,
            sign_in=sign_in,
            name=name,
            role=role,
            authorities=[authority or "all"],
            password_seal=SEAL,
            now=datetime.now(UTC),
        )
    assert made is not None
    return sign_in


async def said_by_console(store: Store, child: str, *, views: bool = False) -> list[Received[Any]]:
    """What waits to be published of this child, oldest first; that somebody opened its page only with `views`."""
    async with store.engine.connect() as connection:
        rows = await connection.execute(
            text("SELECT envelope FROM console.outbox WHERE key = :child ORDER BY position"), {"child": child}
        )
        said = [read(bytes(row.envelope)) for row in rows]
    acted = [(each.id, each.content) for each in said if isinstance(each.content, OperatorActed)]
    viewed = [(name, content) for name, content in acted if content.act is OperatorAct.CHILD_VIEWED]
    of_views = {each for name, content in viewed for each in (name, *content.said)}
    return [each for each in said if views or each.id not in of_views]


async def accesses(store: Store, sign_in: str) -> list[AccessRecorded]:
    """What is on the record of this account, oldest first."""
    async with store.engine.connect() as connection:
        rows = await connection.execute(
            text(
                "SELECT envelope FROM console.outbox JOIN console.accounts ON account = key "
                "WHERE sign_in = :sign_in ORDER BY position"
            ),
            {"sign_in": sign_in},
        )
        said = [read(bytes(row.envelope)).content for row in rows]
    return [each for each in said if isinstance(each, AccessRecorded)]


async def held_by_console(store: Store, child: str) -> list[Received[Any]]:
    """What operators said of this child that waits its minute."""
    async with store.engine.connect() as connection:
        rows = await connection.execute(
            text(
                "SELECT envelope FROM deadlines.due WHERE child = :child AND cancelled_at IS NULL AND fired_at IS NULL"
            ),
            {"child": child},
        )
        return [read(bytes(row.envelope)) for row in rows]


def somewhere() -> str:
    """An address in a network of its own: what fails elsewhere is not counted against it."""
    return f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}::1"


async def sign_in(
    browser: httpx.AsyncClient, name: str, password: str = PASSWORD, *, then: str = "/"
) -> httpx.Response:
    """As a browser would: the form's page first, then the form."""
    page = await browser.get("/sign-in", params={"then": then})
    form = {"csrf": csrf_in(page), "then": then, "name": name, "password": password}
    return await browser.post("/sign-in", data=form)


def child_page(browser: httpx.Client, code: str) -> str:
    """The text of an open child's page, with its whole timeline; empty until there is one."""
    found = re.search(rf'href="(/children/[^"]+)">{code}</a>', browser.get("/").text)
    return "" if found is None else browser.get(f"{found[1]}?whole=true").text


def episode_on(page: str) -> str:
    """The path of the episode that a child's page shows; empty if nothing can be done about it."""
    found = re.search(r'href="(/episodes/[^"/]+)/acts/', page)
    return "" if found is None else found[1]


def police_duty_on(page: str) -> str:
    """The path of the duty to tell police that a child's page shows; empty until there is one."""
    found = re.search(
        r'<strong>Police control room</strong>.*?href="(/duties/[^"]+)">Missing notice</a>', page, re.DOTALL
    )
    return "" if found is None else found[1]


def sign_in_blocking(browser: httpx.Client, name: str, password: str) -> None:
    form = {"csrf": csrf_in(browser.get("/sign-in")), "then": "/", "name": name, "password": password}
    answer = browser.post("/sign-in", data=form, follow_redirects=False)
    assert answer.status_code == 303, answer.text


def csrf_in(page: httpx.Response) -> str:
    found = CSRF.search(page.text)
    assert found is not None, page.text
    return found[1]


def landing(answer: httpx.Response) -> str:
    """Where a form leads, without the seal that only its session can make."""
    return str(answer.headers["location"]).partition("&by=")[0]


def heard(content: Message, child: str, *, at: datetime = REPORTED_AT, id_: str | None = None) -> Received[Message]:
    return Received(
        source="/safe-return/test", id=id_ or str(uuid4()), subject=child, time=at, content=content, origin="test/0/0"
    )


async def hear(store: Store, handlers: Handlers, *received: Received[Message]) -> None:
    """Each in a transaction of its own, as the bus would."""
    for each in received:
        async with store.transaction() as uow:
            await handlers.by_kind()[type(each.content)](each, uow)


def episode_changed(
    episode: UUID, *, revision: int = 1, state: str = "missing", opened_at: datetime = REPORTED_AT
) -> EpisodeChanged:
    return EpisodeChanged(
        authority="kestrel",
        force="northmoor-police",
        episode=episode,
        revision=revision,
        state=EpisodeState(state),
        opened_at=opened_at,
        open_conditions=("safe-and-well-check", "return-interview", "police-closed"),
        protocol="missing-from-care 2026.1",
    )


def duty_changed(
    episode: UUID | None,
    *steps: StepRecord,
    duty: UUID | None = None,
    revision: int = 1,
    state: str = "open",
    next_step_at: datetime | None = None,
    ended_because: str | None = None,
    wording: Wording = MISSING_NOTICE,
    deed: Deed | None = None,
) -> DutyChanged:
    return DutyChanged(
        authority="kestrel",
        episode=episode,
        duty=duty or uuid4(),
        revision=revision,
        rule="tell-police-missing",
        wording=wording,
        deed=deed,
        state=DutyState(state),
        ended_because=ended_because,
        steps=steps,
        next_step_at=next_step_at,
        next_role=Role.DUTY_SENIOR_MANAGER if next_step_at else None,
        protocol="missing-from-care 2026.1",
        cites=("S13", "S57"),
    )


def step(
    number: int, role: Role, state: str = "told", *, at: datetime = REPORTED_AT, channel: Channel = Channel.TEXT
) -> StepRecord:
    return StepRecord.model_validate(
        {"step": number, "role": role, "channel": channel, "told_at": at, "state": state, "changed_at": at}
    )
