"""What is broken inside on purpose is named rightly: database, rights, bus, keys, copies. With a real PostgreSQL."""

from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr

from services.doctor import checks, outside
from services.doctor.checks import Broken
from services.platform.messages.signature import SAYS
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.settings import SigningKeys
from services.platform.store.encryption import KeyringSettings
from tests.support.engines.database import Database
from tests.support.engines.ports import free_port
from tests.support.in_process import register

MASTER, PHONE = b64encode(b"m" * 32).decode(), b64encode(b"p" * 32).decode()


async def cause(attempt: Any) -> str:
    with pytest.raises(Broken) as broken:
        await attempt
    return str(broken.value)


def keyring(database: Database, service: str, master: str = MASTER) -> KeyringSettings:
    known = database.settings(service).model_dump()
    return KeyringSettings(**known | {"master_key": master, "phone_key": PHONE})


@pytest.mark.parametrize("service", SAYS)
async def test_every_service_is_let_in_to_its_own_and_the_clocks_agree(database: Database, service: str) -> None:
    assert "no further" in await checks.try_database(database.settings(service), service)
    assert "within" in await checks.try_database_clock(database.settings(service), service)


async def test_a_wrong_password_is_named_and_not_shown(database: Database) -> None:
    wrong = database.settings("police").model_copy(update={"database_password": SecretStr("hunter2")})
    said = await cause(checks.try_database(wrong, "police"))
    assert "PostgreSQL does not let this in" in said
    assert "hunter2" not in said


@pytest.fixture
def mishandled(database: Database) -> Iterator[Any]:
    """Changes the database as its administrator, and back."""
    undone = []

    def handle(statement: str, undo: str) -> None:
        undone.append(undo)
        with psycopg.connect(database.admin_url, autocommit=True) as connection:
            connection.execute(statement)

    yield handle
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        for undo in undone:
            connection.execute(undo)


@pytest.mark.parametrize(
    ("statement", "undo", "named"),
    [
        ("ALTER ROLE clock BYPASSRLS", "ALTER ROLE clock NOBYPASSRLS", "may do more than any service needs"),
        ("REVOKE USAGE ON SCHEMA clock FROM clock", "GRANT USAGE ON SCHEMA clock TO clock", "run `migrate`"),
    ],
)
async def test_wrong_rights_are_named(
    database: Database, mishandled: Any, statement: str, undo: str, named: str
) -> None:
    mishandled(statement, undo)
    assert named in await cause(checks.try_database(database.settings("clock"), "clock"))


async def test_a_kafka_that_is_away_is_named(database: Database) -> None:
    """`database.settings` names a port where nobody listens."""
    assert "Kafka does not answer at 127.0.0.1:1" in await cause(checks.try_bus(database.settings("clock"), "clock"))


async def test_a_master_key_of_another_database_is_named(database: Database, mishandled: Any) -> None:
    document = register.authority()
    await loaded(database, document)
    mishandled(
        "INSERT INTO register.authority_keys (authority, wrapped) SELECT '*', wrapped FROM register.authority_keys LIMIT 1"
        " ON CONFLICT DO NOTHING",
        "DELETE FROM register.authority_keys WHERE authority = '*'",
    )
    assert "open the keys of all" in await checks.try_keyring(keyring(database, "casework"), "casework")
    other = keyring(database, "casework", b64encode(b"x" * 32).decode())
    said = await cause(checks.try_keyring(other, "casework"))
    assert document["authority"]["id"] in said
    assert "what is no authority's" in said


async def loaded(database: Database, document: dict[str, Any]) -> None:
    engine = database.engine("casework")
    await register.load(engine, register.KEYRING, document, Clocks().wall())
    await engine.dispose()


def signing(*known: str, own: str = "clock") -> SigningKeys:
    keys = {each: Ed25519PrivateKey.generate() for each in SAYS}
    listed = (f"{each} {b64encode(keys[each].public_key().public_bytes_raw()).decode()}" for each in known)
    own_key = b64encode(keys[own].private_bytes_raw()).decode()
    return SigningKeys(signing_key=SecretStr(own_key), bus_keys="\n".join(listed) or "none")


async def test_a_key_that_nobody_knows_is_named() -> None:
    assert "knows all others'" in await checks.try_signing_key(signing(*SAYS), "clock")
    others = [each for each in SAYS if each != "clock"]
    assert "nobody would believe clock" in await cause(checks.try_signing_key(signing(*others), "clock"))
    assert "no key of casework" in await cause(
        checks.try_signing_key(signing(*[each for each in SAYS if each != "casework"]), "clock")
    )
    assert "cannot be read" in await cause(checks.try_signing_key(signing(), "clock"))


async def test_forces_are_tried_and_the_one_that_does_not_answer_is_named(database: Database) -> None:
    document = register.authority()
    await loaded(database, document)
    said = await cause(outside.try_forces(keyring(database, "police")))
    assert f"{document['forces'][0]['id']}: nothing answers at 127.0.0.1, port 1" in said


@pytest.fixture
async def keeper() -> AsyncIterator[Any]:
    """Tells how old the copies are, as its test says."""
    told: dict[str, str] = {}

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(text="".join(f"# TYPE {name} gauge\n{name} {at}\n" for name, at in told.items()))

    server = web.Application()
    server.router.add_get("/metrics", metrics)
    runner = web.AppRunner(server)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield told, f"http://127.0.0.1:{port}/metrics"
    await runner.cleanup()


async def test_old_copies_are_named(keeper: Any) -> None:
    told, address = keeper
    now = 1_800_000_000.0
    assert "no base backup yet" in await cause(checks.try_copies(address, now))
    told |= {checks.BASE: str(now - 3600), checks.CHANGES: str(now - 10)}
    assert "1.0 hours old" in await checks.try_copies(address, now)
    told[checks.CHANGES] = str(now - 900)
    assert "newest kept change is 0.2 hours old" in await cause(checks.try_copies(address, now))
    told[checks.BASE] = str(now - 40 * 3600)
    assert "newest base backup is 40.0 hours old" in await cause(checks.try_copies(address, now))
    assert "does not answer" in await cause(checks.try_copies("http://127.0.0.1:1/metrics", now))


async def test_the_rules_that_are_shipped_hold_and_a_broken_file_is_named(tmp_path: Any) -> None:
    assert "every rule cites" in await checks.try_rules(None)
    (tmp_path / "own.yaml").write_text("authority: kestrel\nrules: [{ id: x }]\n")
    assert "own.yaml" in await cause(checks.try_rules(tmp_path))
