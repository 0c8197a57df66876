"""`python -m services register`: credentials made, listed and withdrawn; imports listed and undone."""

import asyncio
import hashlib
import json
import re
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest
from typer.testing import CliRunner, Result

from services.options.register_upkeep.commands import register
from services.options.register_upkeep.credentials import WRITABLE
from services.platform.runtime.server import Web
from tests.support.engines.database import Database
from tests.support.engines.ports import free_port
from tests.support.in_process.casework import casework, import_bearer
from tests.support.in_process.register import authority, fresh_number, own_part
from tests.support.signatures import BUS_KEYS, KEYS
from tests.support.wrong_clocks import set_machine_ahead

ACCOUNT = f"account-{uuid4()}"
CODE = ("--code", "ours")
OPERATOR = """
    WITH made AS (
        INSERT INTO console.accounts (account, sign_in, name, role, authorities, password_seal, made_at)
        VALUES (%(account)s, 'ours', 'N', 'operator', '{all}', 'x', now()) ON CONFLICT DO NOTHING
    )
    INSERT INTO console.sessions (token_hash, account, begun_at, used_at, proved_at, for_command)
    VALUES (%(code)s, %(account)s, now(), now(), now(), true) ON CONFLICT DO NOTHING
"""


@pytest.fixture
def command(database: Database, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """`CODE` is that of an operator of every authority."""
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(OPERATOR, {"code": hashlib.sha256(b"ours").digest(), "account": ACCOUNT})
    settings = database.settings("casework")
    monkeypatch.setenv("SAFE_RETURN_DATABASE", settings.database)
    monkeypatch.setenv("SAFE_RETURN_DATABASE_PASSWORD", settings.database_password.get_secret_value())
    monkeypatch.setenv("SAFE_RETURN_HTTP_PORT", "1")
    monkeypatch.setenv("SAFE_RETURN_SIGNING_KEY", KEYS["casework"])
    monkeypatch.setenv("SAFE_RETURN_BUS_KEYS", BUS_KEYS)
    return CliRunner()


async def put(database: Database, name: str, token: str, content: bytes) -> int:
    engine = database.engine("casework")
    transport = httpx.ASGITransport(casework(database, engine))
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    async with httpx.AsyncClient(transport=transport, base_url="http://casework") as client:
        answer = await client.put(f"/register/{name}", content=content, headers=headers)
    await engine.dispose()
    return answer.status_code


def test_a_credential_is_printed_once_listed_without_its_token_and_withdrawn(
    database: Database, command: CliRunner
) -> None:
    document = authority()
    name = document["authority"]["id"]
    made = command.invoke(register, ["credentials", "add", name, "--tables", "all", "--days", "30", *CODE])
    assert made.exit_code == 0, made.output
    found = re.match(rf"(credential-\S+) imports for {name} until .*\ntoken: (srreg_\S+)\n$", made.output)
    assert found is not None
    credential, token = found.groups()
    content = json.dumps({"authority": document["authority"], "people": document["people"]}).encode()
    assert asyncio.run(put(database, name, token, content)) == 200
    listed = command.invoke(register, ["credentials", "list"]).output
    assert credential in listed
    assert token not in listed
    imports = command.invoke(register, ["imports", "list", name]).output
    assert re.match(rf"\S{{36}}  \S+ \S+ UTC  {credential}  \d+ rows  .*  [0-9a-f]{{64}}\n$", imports)
    refused = command.invoke(register, ["imports", "undo", imports[:36], "--code", "nobody"])
    assert (refused.exit_code, "a duty manager's or an operator's" in refused.output) == (2, True)
    for by in ((), ("--code", "nobody's")):
        assert command.invoke(register, ["credentials", "withdraw", credential, *by]).exit_code != 0
        assert asyncio.run(put(database, name, token, content)) == 200
    assert command.invoke(register, ["credentials", "withdraw", credential, *CODE]).exit_code == 0
    assert asyncio.run(put(database, name, token, content)) == 401
    assert command.invoke(register, ["credentials", "withdraw", credential, *CODE]).exit_code == 2
    with psycopg.connect(database.admin_url) as connection:
        rows = connection.execute(
            "SELECT envelope FROM casework.outbox WHERE key = %s", [f"authority-{name}"]
        ).fetchall()
    said = [json.loads(bytes(row[0]))["data"] for row in rows]
    steps = [(each["step"], each["account"], each["fields"]) for each in said if "step" in each]
    assert steps == [(f"credential-{step}", ACCOUNT, [credential]) for step in ("made", "withdrawn")]
    assert "no longer valid" in command.invoke(register, ["credentials", "list"]).output


@pytest.mark.parametrize("minutes", [10, -10])
def test_a_code_counts_at_a_machine_whose_clock_is_wrong(
    command: CliRunner, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    set_machine_ahead(monkeypatch, minutes)
    assert command.invoke(register, ["credentials", "add", f"a{uuid4()}", "--tables", "all", *CODE]).exit_code == 0


@pytest.mark.parametrize(
    ("order", "says"),
    [
        (["--tables", "castles"], ", ".join(WRITABLE)),
        (["--tables", "all", "--issuer", "https://login.example"], "--jwks-url"),
        (
            ["--tables", "all", "--issuer", "i", "--client", "c", "--jwks-url", "http://127.0.0.1/keys"],
            "the address is not public",
        ),
        (["--tables", "all", "--issuer", "i", "--client", "c", "--jwks-url", "file:///etc/passwd"], "--jwks-url"),
    ],
)
def test_a_credential_that_could_not_work_is_refused(command: CliRunner, order: list[str], says: str) -> None:
    answer = command.invoke(register, ["credentials", "add", "a", *order, *CODE])
    assert answer.exit_code == 2
    assert says in answer.output


def test_no_credential_is_every_authoritys(command: CliRunner) -> None:
    answer = command.invoke(register, ["credentials", "add", "all", "--tables", "all", *CODE])
    assert (answer.exit_code, "no credential is every authority's" in answer.output) == (2, True)


async def test_files_are_tried_and_imported_from_a_shell_by_the_door_that_everybody_uses(
    database: Database, command: CliRunner, tmp_path: Path
) -> None:
    engine, port, document = database.engine("casework"), free_port(), authority()
    name = document["authority"]["id"]
    bearer = (await import_bearer(engine, name))["authorization"].removeprefix("Bearer ")
    web = Web(casework(database, engine), port)
    await web.start()
    sheet, mapping = tmp_path / "staff.csv", tmp_path / "mapping.yaml"
    mapping.write_text("tables: {people: [{file: staff, fields: {reference: No, name: Name, mobile: Mobile}}]}")
    given = [name, str(sheet), "--mapping", str(mapping), "--url", f"http://127.0.0.1:{port}", "--token", bearer]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        whole = {"authority": document["authority"]}
        await client.put(f"/register/{name}", json=whole, headers={"authorization": f"Bearer {bearer}"})
    sheet.write_text("No,Name,Mobile\nw-1,Max Example,12\n")
    wrong = await asyncio.to_thread(command.invoke, register, ["import", *given])
    assert (wrong.exit_code, '"line":2' in wrong.output, "Max" in wrong.output) == (2, True, False)
    sheet.write_text(f"No,Name,Mobile\nw-1,Max Example,{fresh_number()}\n")
    tried = await asyncio.to_thread(command.invoke, register, ["try", *given])
    assert json.loads(tried.output)["changes"]["people"]["added"] == 1
    imported = await asyncio.to_thread(command.invoke, register, ["import", *given])
    assert json.loads(imported.output)["changed"] == {"people": 1}
    await web.stop()
    await engine.dispose()


async def test_an_import_never_shortens_a_period_and_a_person_does(database: Database, command: CliRunner) -> None:
    engine, document = database.engine("casework"), authority()
    name = document["authority"]["id"]
    headers, whole = await import_bearer(engine, name), {"authority": dict(document["authority"])}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(casework(database, engine)), base_url="http://casework", headers=headers
    ) as client:

        async def put(retention: dict[str, int] | None) -> httpx.Response:
            whole["authority"] |= {} if retention is None else {"retention": retention}
            return await client.put(f"/register/{name}", json=whole)

        assert (await put({"texts-in": 300})).status_code == 200, "nothing real is kept before it is live"
        with psycopg.connect(database.admin_url) as admin:
            admin.execute("UPDATE register.authorities SET live = true WHERE id = %s", [name])
        longer = await put({"texts-in": 500})
        for shorter in ({"texts-in": 499}, {}):
            refused = await put(shorter)
            assert refused.status_code == 422
            assert (
                "texts-in: an import cannot have a record kept for less time" in refused.json()["errors"][0]["wanted"]
            )
        del whole["authority"]["retention"]
        assert (await put(None)).status_code == 200
        undone = await client.post(f"/register/{name}/imports/{longer.json()['import']}/undo")
        assert (undone.status_code, "a person has to undo it" in undone.text) == (409, True)
        for order in ((name, "texts-in", "29", *CODE), (name, "texts-in", "200", "--code", "nobody's")):
            assert (await asyncio.to_thread(command.invoke, register, ["keep", *order])).exit_code == 2
        periods = "SELECT retention FROM register.authorities WHERE id = %s"
        with psycopg.connect(database.admin_url) as admin:
            assert admin.execute(periods, [name]).fetchone() == ({"texts-in": 500},)
        kept = await asyncio.to_thread(command.invoke, register, ["keep", name, "texts-in", "200", *CODE])
        assert kept.exit_code == 0, kept.output
        assert (await put({"texts-in": 200})).status_code == 200
        with psycopg.connect(database.admin_url) as admin:
            assert admin.execute(periods, [name]).fetchone() == ({"texts-in": 200},)
        listed = await asyncio.to_thread(command.invoke, register, ["imports", "list", name])
        assert f"{ACCOUNT}  1 rows" in listed.output
        [imported] = re.findall(rf"(\S+)  \S+ \S+ UTC  {ACCOUNT}", listed.output)
        undo = await asyncio.to_thread(command.invoke, register, ["imports", "undo", imported, *CODE])
        assert undo.exit_code == 0, undo.output
    await engine.dispose()


async def test_an_import_that_is_held_is_confirmed_from_a_shell(
    database: Database, command: CliRunner, tmp_path: Path
) -> None:
    engine, port = database.engine("casework"), free_port()
    document = await own_part(engine, authority())
    name = document["authority"]["id"]
    headers = await import_bearer(engine, name)
    web = Web(casework(database, engine), port)
    await web.start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        whole = await client.put(f"/register/{name}", json=document, headers=headers)
    assert whole.status_code == 200, whole.text
    sheet, mapping = tmp_path / "staff.csv", tmp_path / "mapping.yaml"
    place = document["placements"][0]["reference"]
    mapping.write_text(
        "tables: {people: [{file: staff, fields: {reference: No, name: Name, mobile: Mobile}}],"
        f" carers: [{{file: staff, fields: {{person: No, placement: {{always: {place}}}}}}}]}}"
    )
    token = headers["authorization"].removeprefix("Bearer ")
    given = [name, str(sheet), "--mapping", str(mapping), "--url", f"http://127.0.0.1:{port}", "--token", token]

    async def imported(carers: int, *more: str) -> Result:
        rows = (f"w-{at},Max Example,{numbers[at]}\n" for at in range(carers))
        sheet.write_text(f"No,Name,Mobile\n{''.join(rows)}")
        return await asyncio.to_thread(command.invoke, register, ["import", *given, *more])

    numbers = [fresh_number() for _ in range(12)]
    first, held = await imported(12), await imported(1)
    assert (first.exit_code, held.exit_code) == (0, 2), first.output + held.output
    [sha256] = set(re.findall("[0-9a-f]{64}", held.output))
    assert (await imported(1, "--confirm", "0" * 64)).exit_code == 2
    assert (await imported(1, "--confirm", sha256)).exit_code == 0
    await web.stop()
    await engine.dispose()
