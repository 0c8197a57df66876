"""Tries what is ours: the database and its rights, the bus and its rights, keys, clocks, rules, copies.

A check is green with a sentence, or red with the cause and its page. With it, an address is reached.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from cryptography.exceptions import InvalidTag
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.handbook.check import check as faults_of_rules
from services.platform.bus.connection import READ, WRITE, Connection
from services.platform.messages.signature import SAYS, read_public_keys, read_signing_key
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.commands import explain_error
from services.platform.runtime.settings import Settings, SigningKeys
from services.platform.store.encryption import OF_NO_AUTHORITY, KeyringSettings, KeyServiceAway
from services.platform.store.engine import connect
from services.safeguarding.message import Topic
from services.schemas.messages import HEARS

PATIENCE_SECONDS = 30.0


class Broken(Exception):
    """A check is red; the text is the cause, without a secret or a word about a child."""


@dataclass(frozen=True)
class Finding:
    check: str
    said: str
    page: str = ""
    """Where it is said how to mend it. Empty: all is well."""

    @property
    def good(self) -> bool:
        return not self.page

    def __str__(self) -> str:
        return (
            f"green  {self.check}: {self.said}" if self.good else f"RED    {self.check}: {self.said}. See {self.page}"
        )


@dataclass(frozen=True)
class Check:
    """`attempt` returns what was found, or raises Broken. It may take `patience` seconds."""

    name: str
    page: str
    attempt: Callable[[], Awaitable[str]]
    patience: float = PATIENCE_SECONDS

    async def finding(self) -> Finding:
        try:
            async with asyncio.timeout(self.patience):
                return Finding(self.name, await self.attempt())
        except Broken as why:
            return Finding(self.name, str(why), self.page)
        except TimeoutError:
            return Finding(self.name, f"no answer within {self.patience:.0f} s", self.page)
        except Exception as error:  # noqa: BLE001 - its text may hold anything
            return Finding(self.name, f"could not be tried ({type(error).__name__})", self.page)


def operating(section: str, page: str = "operating.md") -> str:
    """A section, or a step, that bears this name on a page of the operators' guide."""
    return f"docs/{page}, {section}"


async def findings(checks: Iterable[Check]) -> list[Finding]:
    """In the order of the checks, which are made at once."""
    return list(await asyncio.gather(*(each.finding() for each in checks)))


WARNS_DAYS = 14
"""As DoorCertificateEnding: a certificate that is renewed by itself is renewed before."""
DAY_SECONDS = 24 * 60 * 60


async def reach(url: str, now: float, context: Callable[[], ssl.SSLContext] = ssl.create_default_context) -> str:
    """Connects, asks nothing, and closes. `now` is wall time in seconds. Raises Broken."""
    parts = urlsplit(url)
    host, encrypted = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if encrypted else 80)
    try:
        await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise Broken(f"no DNS server knows the name {host}") from None
    try:
        _, writer = await asyncio.open_connection(host, port, ssl=context() if encrypted else None)
    except ssl.SSLCertVerificationError as error:
        raise Broken(f"{host} shows a certificate that does not hold: {error.verify_message}") from None
    except ssl.SSLError as error:
        raise Broken(f"{host} does not speak TLS with us: {error.reason}") from None
    except OSError as error:
        raise Broken(f"nothing answers at {host}, port {port} ({error.strerror or type(error).__name__})") from None
    certificate = writer.get_extra_info("peercert")
    writer.close()
    with contextlib.suppress(OSError):  # they may have hung up before us
        await writer.wait_closed()
    if not certificate:
        return f"{host} answers, without TLS"
    days = int((ssl.cert_time_to_seconds(certificate["notAfter"]) - now) / DAY_SECONDS)
    if days < WARNS_DAYS:
        raise Broken(f"the certificate of {host} ends in {days} days")
    return f"{host} answers by TLS; its certificate holds for {days} days"


def require_near(now: float, theirs: float, whose: str, allowed: float, gone: float = 0.0) -> str:
    """`theirs` was told at some time within the `gone` seconds before `now`. Raises Broken."""
    apart = max(now - gone - theirs, theirs - now, 0.0)
    if apart > allowed:
        raise Broken(f"this machine's clock and that of {whose} are {apart:.0f} s apart: one of them is wrong")
    return f"within {allowed:.0f} s of that of {whose}"


MAY_TOO_MUCH = """
    SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = current_user
"""
TABLES = """
    SELECT count(*), count(*) FILTER (WHERE NOT (
        has_schema_privilege(space.oid, 'USAGE') AND has_any_column_privilege(pg_class.oid, 'SELECT')
    ))
    FROM pg_class JOIN pg_namespace space ON space.oid = relnamespace
    WHERE nspname = current_user AND relkind IN ('r', 'p') AND NOT relispartition
"""
NOW = "SELECT extract(epoch FROM clock_timestamp())::float8"
AUTHORITY_KEYS = "SELECT authority, wrapped FROM register.authority_keys ORDER BY authority"
CLOCKS_APART_SECONDS = 2.0
BROKERS_WITHIN_MS = 5_000
BASE, CHANGES = "backup_base_timestamp_seconds", "backup_safe_timestamp_seconds"
OLD_SECONDS = {BASE: 129_600, CHANGES: 300}
"""As the alerts BackupOld and BackupBehind have it."""


async def try_database(settings: Settings, service: str) -> str:
    async with _connected(settings, service) as connection:
        too_much = (await connection.exec_driver_sql(MAY_TOO_MUCH)).scalar()
        tables, lacking = map(int, (await connection.exec_driver_sql(TABLES)).one())
    if too_much:
        raise Broken(f"the role {service} may do more than any service needs: `logins` was not run, or by hand")
    if not tables:
        raise Broken(f"there is no table of {service}'s: run `migrate`")
    if lacking:
        raise Broken(f"the role {service} may not read {lacking} of its {tables} tables: run `migrate`")
    return f"lets {service} in, to its {tables} tables and no further"


async def try_database_clock(settings: Settings, service: str) -> str:
    async with _connected(settings, service) as connection:
        before = Clocks().own().timestamp()
        theirs = float((await connection.exec_driver_sql(NOW)).scalar_one())
        now = Clocks().own().timestamp()
    return require_near(now, theirs, "the database", CLOCKS_APART_SECONDS, gone=now - before)


async def try_bus(settings: Settings, service: str) -> str:
    """Rights first: a wrong password looks like a Kafka that is away."""
    connection = Connection(settings)
    rights: dict[Topic, set[str]] = {kind.topic: {WRITE} for kind in SAYS[service]}
    for kind in HEARS[service]:
        rights.setdefault(kind.topic, set()).add(READ)
    refusal = await connection.find_refusal(rights)
    if refusal is not None:
        raise Broken(refusal)
    try:
        missing = await asyncio.to_thread(_missing_topics, connection, set(rights))
    except Exception as error:  # noqa: BLE001 - kafka-python raises many kinds, and none is a fault of ours
        raise Broken(f"Kafka does not answer at {settings.kafka} ({type(error).__name__})") from None
    if missing:
        raise Broken(f"Kafka has no topic {', '.join(sorted(missing))}: run `topics`")
    return f"lets {service} say and hear what it has to, on {len(rights)} topics"


def _missing_topics(connection: Connection, wanted: set[Topic]) -> set[str]:
    with contextlib.closing(connection.plain_admin(bootstrap_timeout_ms=BROKERS_WITHIN_MS)) as admin:
        return {str(each) for each in wanted} - set(admin.list_topics())


async def try_signing_key(keys: SigningKeys, service: str) -> str:
    try:
        _, name = read_signing_key(service, keys.signing_key.get_secret_value())
        known = read_public_keys(keys.bus_keys)
    except ValueError:
        raise Broken("the secret signing_key or bus_keys cannot be read") from None
    if name not in known:
        raise Broken(f"nobody would believe {service}: the public part of its signing_key is not in bus_keys")
    silent = sorted(set(SAYS) - {each for each, _ in known.values()})
    if silent:
        raise Broken(f"bus_keys has no key of {', '.join(silent)}: what they say would be refused")
    return "signs what it says with a key that all know, and knows all others'"


async def try_keyring(settings: KeyringSettings, service: str) -> str:
    keyring = settings.keyring
    async with _connected(settings, service) as connection:
        kept = (await connection.exec_driver_sql(AUTHORITY_KEYS)).all()
    unopened = []
    for each in kept:
        try:
            keyring.open_authority_key(bytes(each.wrapped))
        except (InvalidTag, KeyServiceAway):
            unopened.append("what is no authority's" if each.authority == OF_NO_AUTHORITY else each.authority)
    if unopened:
        raise Broken(f"our keys do not open the key of {', '.join(unopened)}: nothing of theirs can be read")
    return f"open the keys of all {len(kept)} authorities" if kept else "can be read; there is no authority yet"


async def try_rules(folder: Path | None) -> str:
    faults = await asyncio.to_thread(faults_of_rules, folder)
    if faults:
        raise Broken(
            f"`check` names {len(faults)} {'faults, of which the first' if len(faults) > 1 else 'fault, which'} is: {faults[0]}"
        )
    return "every path ends in a person, every rule cites, every text fits"


async def try_copies(metrics: str, now: float) -> str:
    """`metrics` is where the keeper of the copies tells how old they are. Raises Broken."""
    try:
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            told = (await client.get(metrics)).raise_for_status().text
    except (httpx.HTTPError, httpx.InvalidURL):
        raise Broken("the keeper of the copies does not answer: does it run?") from None
    found = {each.name: each.samples[0].value for each in text_string_to_metric_families(told) if each.samples}
    for name, what in ((BASE, "base backup"), (CHANGES, "kept change")):
        age = now - found.get(name, 0)
        if not found.get(name):
            raise Broken(f"there is no {what} yet")
        if age > OLD_SECONDS[name]:
            raise Broken(f"the newest {what} is {age / 3600:.1f} hours old")
    return f"the newest base backup is {(now - found[BASE]) / 3600:.1f} hours old, and changes are kept as they come"


@contextlib.asynccontextmanager
async def _connected(settings: Settings, service: str) -> AsyncIterator[AsyncConnection]:
    engine = connect(settings, service, for_command=True)
    try:
        async with engine.connect() as connection:
            yield connection
    except DBAPIError as error:
        lines: Any = explain_error(error)
        raise Broken(lines[0] if lines else f"refused ({type(error.orig).__name__})") from None
    finally:
        await engine.dispose()
