"""`services organisations`: who may enter and change forces, and what is said of it."""

import asyncio
import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from cryptography.x509 import load_pem_x509_certificates
from prometheus_client import REGISTRY
from typer.testing import CliRunner, Result

from infra.docker.certificates import Authority
from services.options.register_upkeep.commands import organisations
from services.options.register_upkeep.monitor import show_ends
from services.platform.delivery.settings.keys import KeySettings
from services.platform.delivery.webhook_signature import generate_key
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store
from tests.support.engines.database import Database
from tests.support.in_process.carers import import_kestrel
from tests.support.in_process.operators import CodedOperators, set_service
from tests.support.in_process.register import OTHER_SECRET, SECRET, TRIED
from tests.support.wrong_clocks import set_machine_ahead

AGREEMENT = """
    INSERT INTO register.sharing_agreements (authority, reference, force, fields, from_on, until_on)
    VALUES (%s, %s, %s, '{}', '2026-01-01', %s)
"""
CREDENTIAL = """
    INSERT INTO casework.credentials (id, authority, tables, token_hash, made_at, expires_at, withdrawn_at)
    VALUES (%s, %s, '{people}', %s, now() + %s::interval, now() + %s::interval, %s)
"""


class Operators(CodedOperators):
    def __init__(self, database: Database, folder: Path) -> None:
        super().__init__(database)
        self._file = folder / "organisations.json"

    def does(self, *arguments: str, by: int = 0) -> Result:
        """And says yes where it is asked."""
        return CliRunner().invoke(organisations, [*arguments, "--code", self.names[by]], input="y\n")

    def puts(self, row: dict[str, Any], by: int = 0, *, table: str = "forces") -> Result:
        self._file.write_text(json.dumps({table: [row]}))
        return self.does("put", str(self._file), by=by)


@pytest.fixture
def operators(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operators:
    set_service("casework", database, monkeypatch)
    return Operators(database, tmp_path)


def force(**changes: Any) -> dict[str, Any]:
    url = "https://notices.northmoor.police.uk/"
    return {
        "id": f"f{uuid4().hex[:12]}",
        "name": "N",
        "notice_url": url,
        "secrets": [SECRET],
        "reply_secrets": [SECRET],
        "oauth": {"token_url": "https://login.northmoor.police.uk/token", "client": "safe-return", "secret": "s"},
    } | changes


def test_a_force_is_entered_at_once_and_a_change_of_it_is_only_proposed(operators: Operators) -> None:
    new = force()
    assert json.loads(operators.puts(new).stdout) == {}
    assert json.loads(operators.puts(new).stdout) == {}, "nothing differs"
    proposed = json.loads(operators.puts(new | {"notice_url": "https://elsewhere.example/"}).stdout.splitlines()[0])
    version = str(UUID(proposed[new["id"]]))
    for by, why in ((0, "a second person"), (1, "try it first")):
        refused = operators.does("approve", version, by=by)
        assert (refused.exit_code, why in refused.output) == (2, True)
    assert operators.does("take-back", version, by=1).exit_code == 0
    assert operators.does("take-back", version).exit_code == 2
    assert operators.does("approve", str(uuid4()), by=1).exit_code == 2


@pytest.mark.parametrize("minutes", [10, -10])
def test_a_code_counts_at_a_machine_whose_clock_is_wrong(
    operators: Operators, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    set_machine_ahead(monkeypatch, minutes)
    assert operators.puts(force()).exit_code == 0


def test_the_second_person_sees_what_changes_and_keys_by_their_fingerprints(
    operators: Operators, database: Database
) -> None:
    new, key = force(), OTHER_SECRET
    operators.puts(new)
    changed = new | {"notice_url": "https://elsewhere.example/", "secrets": [key]}
    version = json.loads(operators.puts(changed).stdout.splitlines()[0])[new["id"]]
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(TRIED, {"lane": f"force-{new['id']}@{version}"})
    said = operators.does("approve", version, by=1)
    assert said.exit_code == 0, said.output
    assert f"notice_url: {new['notice_url']} -> https://elsewhere.example/" in said.output
    was, is_now = (hashlib.sha256(each.encode()).hexdigest()[:16] for each in (SECRET, key))
    assert f"secrets: {was} -> {is_now}" in said.output
    assert [each for each in (SECRET, key) if each in said.output] == []
    # Back again: one person asks, a second one does it.
    for by, says in ((0, "asked for"), (0, "asked for"), (1, "taken back")):
        assert says in operators.does("take-back", version, by=by).output


def test_a_key_that_somebody_uses_at_that_moment_is_not_destroyed_and_the_command_says_so(
    operators: Operators, database: Database, keyring: Keyring
) -> None:
    authority = asyncio.run(import_kestrel(database, keyring)).document["authority"]["id"]
    command = ("destroy-key", authority, "--again", authority)
    assert "asked for" in operators.does(*command).output
    with psycopg.connect(database.admin_url) as admin:
        admin.execute("SELECT FROM register.authority_keys WHERE authority = %s FOR UPDATE", [authority])
        refused = operators.does(*command, by=1)
    assert (refused.exit_code, "again in a minute" in refused.output) == (2, True)
    assert operators.does(*command, by=1).exit_code == 0


def test_an_agencys_keys_are_changed_by_two_persons(operators: Operators) -> None:
    agency = {"id": f"a{uuid4().hex[:12]}", "secrets": [SECRET], "sources": {f"https://{uuid4()}.example": "kestrel"}}
    assert json.loads(operators.puts(agency, table="agencies").stdout) == {}, "a new one"
    changes = [
        json.loads(operators.puts(agency | {"secrets": [OTHER_SECRET]}, table="agencies").stdout.splitlines()[0])[
            agency["id"]
        ]
        for _ in range(2)
    ]
    refused = operators.does("approve", changes[0])
    assert (refused.exit_code, "a second person" in refused.output) == (2, True)
    approved = operators.does("approve", changes[0], by=1)
    assert (approved.exit_code, "secrets: " in approved.output, OTHER_SECRET in approved.output) == (0, True, False)
    assert operators.does("approve", changes[0], by=1).exit_code == 2
    assert json.loads(operators.puts(agency | {"secrets": [OTHER_SECRET]}, table="agencies").stdout) == {}, "it holds"
    assert operators.does("take-back", changes[1]).exit_code == 0


def test_nobody_but_the_operators_people_change_one(operators: Operators) -> None:
    refused = operators.puts(force(), by=2)
    assert (refused.exit_code, "code" in refused.output) == (2, True)


def test_what_ends_is_listed_and_the_first_of_each_kind_is_shown(operators: Operators, database: Database) -> None:
    """Not what was replaced, withdrawn, made for one form of the console, or was over long ago."""
    chain, today = Authority.make().issue("safe-return", "127.0.0.1"), datetime.now(UTC).date()
    ours = {each: f"f{uuid4().hex[:12]}" for each in ("with one", "ended", "over", "replaced")}
    for name in ours.values():
        operators.puts(force(id=name, client_certificate=chain if name == ours["with one"] else None))
    until = [("ended", -2), ("ended", -40), ("over", -9), ("replaced", 2), ("replaced", None)]
    lasts = [("10 d", None), ("9 d", "now"), ("5 min", None), ("-8 d", None)]
    with psycopg.connect(database.admin_url) as connection:
        name = f"a{uuid4().hex[:12]}"
        connection.execute("INSERT INTO register.authorities (id, name) VALUES (%s, 'N')", [name])
        for each, days in until:
            last = None if days is None else today + timedelta(days=days)
            connection.execute(AGREEMENT, [name, str(uuid4()), ours[each], last])
        for ends, withdrawn in lasts:
            made = "-400 d" if ends == "-8 d" else "0 d"
            connection.execute(CREDENTIAL, [str(uuid4()), name, uuid4().bytes, made, ends, withdrawn])
    listed = [each.split("  ") for each in CliRunner().invoke(organisations, ["ends"]).stdout.splitlines()]
    certificate = load_pem_x509_certificates(chain.encode())[0].not_valid_after_utc
    assert [(day, what) for day, what, whose in listed if name in whose or whose in ours.values()] == [
        (f"{today - timedelta(days=1)}", "sharing-agreement"),
        (f"{today + timedelta(days=10)}", "import-credential"),
        (f"{certificate:%Y-%m-%d}", "force-certificate"),
    ]

    async def show() -> None:
        engine = database.engine("casework")
        await show_ends(Store(engine), KeySettings().keyring, Clocks())
        await engine.dispose()

    asyncio.run(show())
    for kind in {what for _, what, _ in listed}:
        shown = REGISTRY.get_sample_value("ends_at_seconds", {"what": kind})
        assert f"{datetime.fromtimestamp(shown or 0, UTC):%Y-%m-%d}" == next(
            day for day, what, _ in listed if what == kind
        )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"secrets": ["whsec_short"]}, "forces.0.secrets.0"),
        ({"notice_url": "https://10.20.0.4/notices"}, "public address"),
        ({"notice_url": "http://127.0.0.1/notices"}, "public address"),
        ({"oauth": {"token_url": "https://10.20.0.4/token", "client": "c", "secret": "s"}}, "public address"),
    ],
)
def test_a_faulty_file_changes_nothing_and_its_values_are_not_printed(
    operators: Operators, changes: dict[str, Any], said: str
) -> None:
    faulty = force(**changes)
    refused = operators.puts(faulty)
    assert (refused.exit_code, said in refused.output) == (2, True)
    assert "whsec_short" not in refused.output
    assert json.loads(operators.puts(faulty | force(id=faulty["id"])).stdout) == {}, "it was not entered before"


def test_a_key_pair_is_made() -> None:
    private, public = CliRunner().invoke(organisations, ["make-key"]).stdout.split()
    assert (private[:5], public[:5]) == tuple(each[:5] for each in generate_key())
