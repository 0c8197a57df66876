"""`python -m services police replay` and `test`, as an operator types them: what goes again, and the record of who asked and why."""

import os
import subprocess
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from infra.local.settings.environment import bare
from services.console.accounts import begin_session
from services.options.own_accounts import store as own_accounts
from services.platform.delivery.queue.repository import lock_all
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Origin, Store
from services.safeguarding.operators import OperatorRole
from tests.support import commands
from tests.support.engines.database import Database
from tests.support.in_process.delivery import eventually
from tests.support.in_process.police import Police, police_of
from tests.support.in_process.register import words_kept
from tests.support.signatures import give_keys

REASON = "They lost the night's notices, says DI Hart"


@pytest.fixture
async def police(database: Database, keyring: Keyring) -> AsyncIterator[Police]:
    async with police_of(database, keyring) as running:
        yield running


@pytest.fixture
def environment(database: Database, tmp_path: Path) -> dict[str, str]:
    settings = database.settings("police")
    (tmp_path / "database_password").write_text(settings.database_password.get_secret_value())
    for name, key in (("master_key", b"m" * 32), ("phone_key", b"p" * 32)):
        (tmp_path / name).write_text(b64encode(key).decode())
    give_keys(tmp_path, "police")
    return bare() | {
        "SAFE_RETURN_DATABASE": settings.database,
        "SAFE_RETURN_SECRETS_DIR": str(tmp_path),
        "SAFE_RETURN_HTTP_PORT": "1",
        "PATH": os.environ["PATH"],
    }


async def account(
    database: Database,
    role: OperatorRole = OperatorRole.OPERATOR,
    authority: str | None = None,
    before: timedelta = timedelta(),
) -> tuple[str, str]:
    """The account, and a code for a command that the console gave it."""
    engine, name = database.engine("console"), f"{uuid4()}@kestrel.example"
    store = Store(engine, origin=Origin("police", Clocks()))
    async with store.transaction() as uow:
        made = await own_accounts.add_account(
            uow,
            sign_in=name,
            name="Olu Operator",
            role=role,
            authorities=[authority or "all"],
            password_seal="x",
            now=datetime.now(UTC),
        )
        assert made is not None
        code = begin_session(uow, made.account, datetime.now(UTC) - before, for_command=True)
    await engine.dispose()
    return made.account, code


async def command(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return await commands.services(environment, "police", *arguments)


async def acted(police: Police, subject: str) -> list[dict[str, Any]]:
    return [each for each in await police.floor.said(subject) if each["type"] == "operator.acted.v1"]


def arrivals(police: Police, told: Any) -> int:
    return sum(each.id == str(told.content.telling) for each in police.desk.received)


async def test_a_replay_goes_out_and_says_who_asked_and_why(
    police: Police, database: Database, environment: dict[str, str]
) -> None:
    told, _ = await police.notice(child="C12")
    who, code = await account(database)
    done = await command(
        environment, "replay", "--notice", str(told.content.telling), "--code", code, "--reason", REASON
    )
    assert (done.returncode, done.stdout) == (0, "1 goes again, under the same ids\n"), done.stderr
    await eventually(lambda: arrivals(police, told) == 2)
    [record] = await acted(police, told.subject)
    data = record["data"]
    assert (data["act"], data["account"], data["role"]) == ("sent-again", who, "operator")
    assert (data["duty"], data["step"], data["episode"]) == (
        str(told.content.duty),
        told.content.step,
        str(told.content.episode),
    )
    assert REASON not in str(record)
    [kept] = await words_kept(database, police.keyring, data["words"])
    assert (kept.text, kept.said_by) == (REASON, who)


async def test_all_of_a_force_are_a_record_each(
    police: Police, database: Database, environment: dict[str, str]
) -> None:
    tellings = [(await police.notice(child=child))[0] for child in ("C13", "C14")]
    _, code = await account(database, OperatorRole.DUTY_MANAGER, police.authority)
    done = await command(environment, "replay", "--force", police.force, "--code", code, "--reason", REASON)
    assert done.stdout == "2 go again, under the same ids\n", done.stderr
    assert [len(await acted(police, each.subject)) for each in tellings] == [1, 1]


async def test_if_one_stays_locked_none_goes_and_the_command_says_so(
    police: Police, database: Database, environment: dict[str, str]
) -> None:
    told, _ = await police.notice(child="C17")
    _, code = await account(database)
    asked = ("replay", "--notice", str(told.content.telling), "--code", code, "--reason", REASON)
    async with police.floor.store.transaction() as other:
        await lock_all(other, [told.content.telling])
        done = await command(environment, *asked)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("one of these notices is being changed")
    assert await acted(police, told.subject) == []


async def test_an_account_of_another_authority_sends_none_of_its_notices(
    police: Police, database: Database, environment: dict[str, str]
) -> None:
    told, _ = await police.notice(child="C15")
    _, code = await account(database, authority="somewhere-else")
    done = await command(environment, "replay", "--force", police.force, "--code", code, "--reason", REASON)
    assert (done.returncode, done.stderr) == (2, "no notice that was sent fits\n")
    assert await acted(police, told.subject) == []


async def test_nobody_without_a_code_a_right_and_a_reason_sends_anything_again(
    police: Police, database: Database, environment: dict[str, str]
) -> None:
    told, _ = await police.notice(child="C16")
    notice = ("replay", "--notice", str(told.content.telling))
    _, auditor = await account(database, OperatorRole.AUDITOR)
    _, code = await account(database)
    _, old = await account(database, before=timedelta(minutes=16))
    for who in (auditor, old, "nobody@kestrel.example"):
        refused = await command(environment, *notice, "--code", who, "--reason", REASON)
        assert (refused.returncode, "the code is wrong or too old" in refused.stderr) == (2, True)
    blank = await command(environment, *notice, "--code", code, "--reason", "  ")
    assert (blank.returncode, "a reason is needed" in blank.stderr) == (2, True)
    assert await acted(police, told.subject) == []
    assert arrivals(police, told) == 1


async def test_a_test_of_a_connection_says_who_tried_it(
    police: Police, database: Database, environment: dict[str, str]
) -> None:
    who, code = await account(database)
    done = await command(environment, "test", police.force, "--code", code, "--reason", "new certificate")
    assert (done.returncode, "accepted (204" in done.stdout) == (0, True), done.stdout + done.stderr
    [record] = await acted(police, f"force-{police.force}")
    assert (record["data"]["act"], record["data"]["account"]) == ("connection-tested", who)
    assert record["exercise"] is True
