"""The console dies while somebody acts at it: the act is done with its evidence or not at all, and once when the form comes again."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from infra.local.settings.layout import ROOT
from services.console.read_model.projections import Handlers
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import Store
from services.safeguarding.child_events.events import ChildProvisional
from services.safeguarding.duty.duties import DutyAcknowledged
from services.safeguarding.identifiers import new_id
from services.safeguarding.operators import OperatorAct, OperatorActed
from services.safeguarding.roles import Role
from tests.support.engines.database import Database
from tests.support.engines.ports import free_port
from tests.support.in_process.console import (
    REPORTED_AT,
    account,
    csrf_in,
    duty_changed,
    episode_changed,
    hear,
    heard,
    held_by_console,
    landing,
    said_by_console,
    settings_of,
    sign_in,
    step,
)

HANDLERS = Handlers(Clocks())
UP_WITHIN_SECONDS = 180


@contextmanager
def console(database: Database, folder: Path, port: int, *dies_at: str) -> Iterator[subprocess.Popen[bytes]]:
    settings = settings_of(database)
    for name in ("database_password", "master_key", "phone_key"):
        (folder / name).write_text(getattr(settings, name).get_secret_value())
    ours = {"DATABASE": settings.database, "SECRETS_DIR": str(folder), "HTTP_PORT": str(port), "SANDBOX": "true"}
    environment = os.environ | {f"SAFE_RETURN_{name}": value for name, value in ours.items()}
    command = [sys.executable, "-m", "tests.support.crashes.console_process", *dies_at]
    running = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        yield running
    finally:
        running.kill()
        running.wait()


@asynccontextmanager
async def browsing(port: int) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=90) as browser:
        async with asyncio.timeout(UP_WITHIN_SECONDS):
            while not await _is_up(browser):  # noqa: ASYNC110 another process comes up
                await asyncio.sleep(0.1)
        yield browser


async def _is_up(browser: httpx.AsyncClient) -> bool:
    try:
        return (await browser.get("/sign-in")).is_success
    except httpx.TransportError:
        return False


@pytest.mark.parametrize(("dies_at", "committed"), [("act-written", False), ("act-taken", True)])
async def test_an_act_in_flight_is_done_once_with_its_evidence_or_not_at_all(
    database: Database, opened: Store, tmp_path: Path, dies_at: str, committed: bool
) -> None:
    episode, child, name = uuid4(), new_id("child"), await account(opened)
    duty = duty_changed(episode, step(0, Role.POLICE_CONTROL_ROOM, "accepted"), state="accepted")
    await hear(opened, HANDLERS, heard(episode_changed(episode), child), heard(duty, child))
    path, port = f"/duties/{duty.duty}/acts/phoned", free_port()
    with console(database, tmp_path, port, dies_at) as dying:
        async with browsing(port) as browser:
            await sign_in(browser, name)
            page = await browser.get(path)
            form = _filled(page.text) | {"csrf": csrf_in(page)}
            cookies = browser.cookies
            with pytest.raises(httpx.TransportError):
                await browser.post(path, data=form)
        assert await asyncio.to_thread(dying.wait, 30) == -signal.SIGKILL
    assert await _done(opened, form["act"], child) == ((1, 1, 1, 2) if committed else (0, 0, 0, 0))
    with console(database, tmp_path, port):
        async with browsing(port) as browser:
            browser.cookies = cookies
            done = "again-phoned" if committed else "phoned"
            for shown in (done, "again-phoned"):
                answer = await browser.post(path, data=form)
                assert (answer.status_code, landing(answer).split("done=")[1]) == (303, shown)
    assert await _done(opened, form["act"], child) == (1, 1, 1, 2)


@pytest.mark.parametrize(("dies_at", "committed"), [("act-written", False), ("act-taken", True)])
async def test_two_reports_become_one_once_with_its_evidence_or_not_at_all(
    database: Database, opened: Store, tmp_path: Path, dies_at: str, committed: bool
) -> None:
    """The one tap by which somebody says that two reports of a phone are of one child."""
    child, nobody, episode, name = new_id("child"), new_id("provisional"), uuid4(), await account(opened)
    told = ChildProvisional(authority="kestrel", same_phone=child, same_phone_at=REPORTED_AT)
    await hear(opened, HANDLERS, heard(episode_changed(uuid4()), child), heard(episode_changed(episode), nobody))
    await hear(opened, HANDLERS, heard(told, nobody))
    path, port = f"/episodes/{episode}/same-phone", free_port()
    with console(database, tmp_path, port, dies_at) as dying:
        async with browsing(port) as browser:
            await sign_in(browser, name)
            page = (await browser.get(f"/episodes/{episode}")).text
            fields = dict(
                re.findall(r'name="(csrf|act|seen|child)" value="([^"]*)"', page[page.index('id="same-phone"') :])
            )
            form, cookies = fields | {"same": "yes"}, browser.cookies
            with pytest.raises(httpx.TransportError):
                await browser.post(path, data=form)
        assert await asyncio.to_thread(dying.wait, 30) == -signal.SIGKILL
    assert await _joined(opened, nobody) == ((1, 1, 1) if committed else (0, 0, 0))
    with console(database, tmp_path, port):
        async with browsing(port) as browser:
            browser.cookies = cookies
            for shown in ("again-identified" if committed else "held-identified", "again-identified"):
                answer = await browser.post(path, data=form)
                assert (answer.status_code, landing(answer).split("done=")[1]) == (303, shown)
    assert await _joined(opened, nobody) == (1, 1, 1)


async def _joined(opened: Store, nobody: str) -> tuple[int, int, int]:
    """What waits its minute, who is on record for it, and the words that were kept of it."""
    said = [each.content for each in await said_by_console(opened, nobody)]
    acted = [each for each in said if isinstance(each, OperatorActed) and each.act is OperatorAct.IDENTIFIED]
    async with opened.engine.connect() as connection:
        words = await connection.scalar(
            text("SELECT count(*) FROM register.words_of_operators WHERE about = :child"), {"child": nobody}
        )
    return len(await held_by_console(opened, nobody)), len(acted), int(words or 0)


def _filled(page: str) -> dict[str, str]:
    hidden = dict(re.findall(r'name="(act|seen|step)" value="([^"]*)"', page))
    return hidden | {"officer": "PC Reed 4471", "reference": "NM-2026-118"}


async def _done(opened: Store, act: str, child: str) -> tuple[int, int, int, int]:
    """The act's mark, what it says has happened, who is on record for it, and the words that were kept of it."""
    said = [type(each.content) for each in await said_by_console(opened, child)]
    async with opened.engine.connect() as connection:
        marks = await connection.scalar(text("SELECT count(*) FROM console.acts WHERE act = :act"), {"act": UUID(act)})
        words = await connection.scalar(
            text("SELECT count(*) FROM register.words_of_operators WHERE about = :child"), {"child": child}
        )
    return int(marks or 0), said.count(DutyAcknowledged), said.count(OperatorActed), int(words or 0)
