"""The contracts in `schemas/`: as the code now is, whole, and true of what the services do."""

import ast
import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import validate as validate_openapi

from services.platform.bus.consumer import BatchConsumer, Consumer
from services.platform.bus.faust_consumer import FaustConsumer
from services.platform.bus.message_processor import GATHERED_SECONDS, MessageProcessor, Priority
from services.platform.bus.service_host import ServiceHost
from services.platform.messages.envelope import read
from services.platform.messages.signature import SAYS, every
from services.protocol.loader import DEFAULT_RULES, files
from services.run import SERVICES
from services.safeguarding.child_events.events import Due
from services.safeguarding.contracts import contracts
from services.safeguarding.duty.decisions import DutyChanged, ProtocolDecided
from services.safeguarding.message import Message, Topic
from services.schemas import documents
from services.schemas.documents import list_differing, write_differing
from services.schemas.messages import ENVELOPE, HEARS, content_schema, description_of, example
from services.schemas.openapi import DECLARED

ROOT = Path(__file__).parents[2]
KINDS = pytest.mark.parametrize("contract", contracts().values(), ids=lambda each: each.kind)
KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
SECRETS = {
    "database_password": "-",
    "master_key": KEY,
    "phone_key": KEY,
    "link_key": KEY,
    "twilio_auth_token": "-",
    "signing_key": KEY,
    "bus_keys": f"casework {KEY}",
}


@pytest.fixture(scope="module")
def rendered() -> dict[str, str]:
    return documents.documents()


@pytest.fixture(scope="module")
def asyncapi(rendered: dict[str, str]) -> dict[str, Any]:
    return dict(yaml.safe_load(rendered["asyncapi.yaml"]))


def test_the_contracts_are_as_the_code_renders_them() -> None:
    assert list_differing(documents.documents(), documents.FOLDER, alone=True) == [], "`make schemas` writes them anew"


def test_a_contract_that_was_altered_is_missing_or_does_not_belong_is_named(tmp_path: Path) -> None:
    write_differing(documents.documents(), tmp_path, alone=True)
    assert list_differing(documents.documents(), tmp_path, alone=True) == []
    (tmp_path / "protocol.json").write_text("{}")
    (tmp_path / "asyncapi.yaml").unlink()
    (tmp_path / "events" / "child.vanished.v1.json").write_text("{}")
    wrong = ["asyncapi.yaml", "events/child.vanished.v1.json", "protocol.json"]
    assert list_differing(documents.documents(), tmp_path, alone=True) == wrong
    assert write_differing(documents.documents(), tmp_path, alone=True) == wrong
    assert list_differing(documents.documents(), tmp_path, alone=True) == []


@KINDS
def test_every_kind_says_what_it_means(contract: type[Message]) -> None:
    assert len(description_of(contract)) > 10


@KINDS
def test_an_example_fulfils_its_schemas_and_can_be_read_from_the_bus(contract: type[Message]) -> None:
    whole = example(contract)
    assert _faults(ENVELOPE, whole) == []
    assert _faults(content_schema(contract), whole["data"]) == []
    received = read(json.dumps(whole).encode(), topic=contract.topic)
    assert type(received.content) is contract


@KINDS
def test_a_schema_refuses_a_field_that_the_contract_does_not_have(contract: type[Message]) -> None:
    assert _faults(content_schema(contract), example(contract)["data"] | {"name": "Amina"}) != []


def test_every_rules_file_fulfils_the_schema_of_rules_files() -> None:
    for each in files():
        written = {"protocol": each.protocol, "version": each.version, "rules": each.rules, "closing": each.closing}
        as_text = json.loads(json.dumps(written, default=str))  # a schema's days are strings
        assert _faults(documents.schema(), as_text) == [], each.path.name
    assert DEFAULT_RULES.exists()


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("tell", "the.neighbours"),
        ("on", "child.lost"),
        ("within", "soon"),
        ("from", "soon"),
        ("period", {"value": "appeal-time", "more": "1d"}),
        ("workdays", {"less": "5wd"}),
        ("when", {"any": ["child.tall"]}),
        ("protocol", "mine"),
        ("because", {"cite": [], "kind": "default", "note": "x"}),
    ],
)
def test_the_schema_of_rules_files_refuses_what_the_grammar_refuses(field: str, wrong: object) -> None:
    rule = files()[0].rules[0] | {field: wrong}
    assert _faults(documents.schema(), {"protocol": "p", "version": "1", "rules": [rule]}) != []


def test_every_service_is_in_the_asyncapi_document() -> None:
    assert set(HEARS) == set(SERVICES)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_subscribes_to_what_the_document_says_it_hears(
    service: str, asyncapi: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = {kind for _, contract in _consumed(service, tmp_path, monkeypatch) for kind in contract.subscriptions}
    assert _kinds_of(asyncapi, service, "hears") == heard


@pytest.mark.parametrize(
    ("service", "urgent", "gathered"),
    [
        ("carers", False, {Topic.DECISIONS}),
        ("protocol", True, {Topic.OUTCOMES}),
        ("police", True, set()),
        ("professionals", False, {Topic.OUTCOMES}),
        ("strategy", False, {Topic.DECISIONS}),
    ],
)
def test_a_service_that_acts_gathers_only_what_nobody_waits_for(
    service: str, urgent: bool, gathered: set[Topic], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [(consumer, contract)] = _consumed(service, tmp_path, monkeypatch)
    assert consumer is FaustConsumer
    background = {
        topic for topic, wait in contract.gathered_seconds.items() if wait == GATHERED_SECONDS[Priority.BACKGROUND]
    }
    assert background == gathered
    assert urgent is any(each.priority is Priority.URGENT for each in contract.subscriptions.values())


@pytest.mark.parametrize("service", ["audit", "console"])
def test_a_service_that_only_records_consumes_in_batches(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [(consumer, _)] = _consumed(service, tmp_path, monkeypatch)
    assert consumer is BatchConsumer


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_makes_no_message_that_the_document_does_not_let_it_say(
    service: str, asyncapi: dict[str, Any]
) -> None:
    made = set(_made_in(ROOT / "services" / service))
    written_into_deadlines = {each.kind for each in every(Due)}  # the protocol makes them, the clock says them
    held_by_others = {each.kind for each in (ProtocolDecided, DutyChanged)}  # they travel in `MessageDecided`
    assert made - written_into_deadlines - held_by_others <= _kinds_of(asyncapi, service, "says")


def test_every_kind_is_said_by_somebody_or_travels_in_another() -> None:
    said = {kind for kinds in SAYS.values() for kind in kinds}
    assert set(contracts().values()) - said == {ProtocolDecided, DutyChanged}


def test_the_document_lets_whoever_sends_say_what_the_delivery_floor_makes() -> None:
    floor = ROOT / "services" / "platform" / "delivery"
    made, of_mailboxes = set(_made_in(floor)), set(_made_in(floor / "inbound_mail"))
    assert of_mailboxes < made
    for service in ("police", "carers", "professionals", "strategy"):
        has_mailbox = service in {"professionals", "strategy"}
        assert (made if has_mailbox else made - of_mailboxes) <= {each.kind for each in SAYS[service]}


def test_the_asyncapi_document_is_valid(rendered: dict[str, str], tmp_path: Path) -> None:
    parser = _node_package("@asyncapi/parser")
    write_differing(documents.documents(), tmp_path, alone=True)
    script = parser.parents[2] / "validate.mjs"
    script.write_text(
        "import { Parser, fromFile } from '@asyncapi/parser';\n"
        "const { diagnostics } = await fromFile(new Parser(), process.argv[2]).parse();\n"
        "console.log(JSON.stringify(diagnostics.filter((each) => each.severity === 0)));\n"
    )
    command = ["node", str(script), str(tmp_path / "asyncapi.yaml")]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=250)
    assert json.loads(said.stdout) == []


def test_every_openapi_document_is_valid(rendered: dict[str, str]) -> None:
    found = [path for path in rendered if path.startswith("openapi/")]
    assert {f"openapi/{service}.json" for service in DECLARED} < set(found)
    for path in found:
        validate_openapi(json.loads(rendered[path]))


def _faults(schema: dict[str, Any], instance: object) -> list[str]:
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    return [each.message for each in validator.iter_errors(instance)]


def _kinds_of(asyncapi: dict[str, Any], service: str, verb: str) -> set[str]:
    operations = [each for name, each in asyncapi["operations"].items() if name.startswith(f"{service}-{verb}-")]
    return {message["$ref"].rpartition("/")[2] for each in operations for message in each["messages"]}


def _consumed(
    service: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[type[Consumer[Any]], MessageProcessor]]:
    """How the service's own `main` consumes the bus, put together but not started."""
    for name, value in SECRETS.items():
        (folder / name).write_text(value)
    for name, value in {
        "SECRETS_DIR": str(folder),
        "HTTP_PORT": "1",
        "PUBLIC_URL": "https://safe-return.example",
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_FROM": "+447700900500",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_FROM": "no-reply@safe-return.example",
        "SMTP_LISTEN_PORT": "2525",
        "SMTP_AUTHSERV_ID": "mx.safe-return.example",
        "SPOOL_DIR": str(folder / "spool"),
    }.items():
        monkeypatch.setenv(f"SAFE_RETURN_{name}", value)
    consumed: list[tuple[type[Consumer[Any]], MessageProcessor]] = []

    async def put_together(host: ServiceHost, *_: object, **__: object) -> None:
        consumed.extend((type(part), part._processor) for part in host.parts if isinstance(part, Consumer))
        await host.store.close()

    monkeypatch.setattr(ServiceHost, "run", put_together)
    monkeypatch.setattr("services.platform.runtime.logs.configure", lambda *_: None)
    asyncio.run(import_module(f"services.{service}.app").main())
    return consumed


def _made_in(folder: Path) -> Iterator[str]:
    kinds = {contract.__name__: contract.kind for contract in contracts().values()}
    for path in [folder] if folder.is_file() else folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in kinds:
                    yield kinds[name]


def _node_package(name: str) -> Path:
    """Installed once a machine by npm, where Node and its registry are; else the test is skipped."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Node is not here")
    folder = ROOT / ".local" / "node"
    package = folder / "node_modules" / name
    if not package.exists():
        folder.mkdir(parents=True, exist_ok=True)
        try:
            command = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), name]
            subprocess.run(command, check=True, timeout=250, capture_output=True)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            pytest.skip(f"npm could not install {name}")
    return package


def _fields(schema: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {}).items() if isinstance(schema.get("properties"), dict) else ()
    for each in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from _fields(each)


def test_every_field_says_what_it_means_and_every_meaning_is_said(rendered: dict[str, str]) -> None:
    whole = [yaml.load(text, yaml.CSafeLoader) for path, text in rendered.items() if not path.startswith("examples/")]
    named = [(name, field) for each in whole for name, field in _fields(each) if isinstance(field, dict)]
    assert len(named) > 1500
    assert {name for name, field in named if "description" not in field and "const" not in field} == set()
    said = {field.get("description") for _, field in named}
    assert {name for name, meaning in documents.MEANINGS.items() if meaning not in said} == set()


def test_each_schema_has_an_id_of_its_own(rendered: dict[str, str]) -> None:
    ids = [
        json.loads(text).get("$id") for path, text in rendered.items() if '"$schema"' in text and path.endswith(".json")
    ]
    assert len(ids) == len(set(ids)) > 100
