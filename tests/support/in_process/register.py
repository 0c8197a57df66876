"""An authority for tests: made anew for each, so that tests do not meet in the database."""

from base64 import b64encode
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from services.options.register_upkeep import organisations
from services.options.register_upkeep.policy import register_import
from services.options.register_upkeep.policy.organisations import Organisations, why_not_approved
from services.options.register_upkeep.policy.register_import import cross_faults
from services.options.register_upkeep.writer import lock_and_read, write_import
from services.platform.register.keys import data_key
from services.platform.register.organisations import versions_of
from services.platform.register.words import Words, decrypt_words
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Origin, Store, UnitOfWork
from services.safeguarding.notice_fields import NoticeField
from tests.support.engines.database import Database

SECRET = "whsec_" + b64encode(b"s" * 32).decode()
OTHER_SECRET = "whsec_" + b64encode(b"o" * 32).decode()
KEYRING = Keyring(b64encode(b"m" * 32).decode(), b64encode(b"p" * 32).decode())
TRIED = """
    INSERT INTO delivery.deliveries
        (id, service, lane, state, child, urgent, exercise, code, attempts, created_at, next_attempt_at, key_owner, changed_at)
    VALUES (gen_random_uuid(), 'police', %(lane)s, 'accepted', 'x', false, false, 'C', 1, now(), now(), 'x', now())
"""
"""Of a version, by its lane: its connection test was taken."""
"""The keys of the `keyring` fixture."""
PROPOSER, APPROVER = (f"account-00000000-0000-4000-8000-00000000000{each}" for each in (1, 2))
_count = iter(range(1_000, 100_000))


async def words_kept(database: Database, keyring: Keyring, ids: Iterable[str]) -> list[Words]:
    """As they lie in the register, oldest first, whoever may read them."""
    engine = create_async_engine(database.admin_url.replace("postgresql://", "postgresql+psycopg://"))
    async with engine.connect() as connection:
        rows = await connection.execute(
            text(
                "SELECT w.id, w.about, w.words, w.said_by, w.at, w.answers, k.wrapped FROM register.words w "
                "LEFT JOIN register.data_keys k ON k.owner = w.about WHERE w.id = ANY(:ids) ORDER BY w.at, w.id"
            ),
            {"ids": list(ids)},
        )
        found = decrypt_words(keyring, rows.all())
    await engine.dispose()
    return found


async def erase(database: Database, keyring: Keyring, owner: str) -> None:
    """Destroys the owner's key; then something new is kept under the owner's name, as the next text or notice would."""
    engine = database.engine("casework")
    async with engine.begin() as connection:
        await connection.execute(text("DELETE FROM register.sealed_keys WHERE owner = :owner"), {"owner": owner})
    async with engine.begin() as connection:
        await data_key(connection, keyring, owner)
    await engine.dispose()


def fresh_number() -> str:
    """A mobile of Ofcom's drama range is one of a thousand, some of which tests name themselves: these come after it."""
    return f"+4477009{next(_count):05d}"


def authority(name: str | None = None) -> dict[str, Any]:
    """One foster placement with a couple and two children, a home with six, a rota. Numbers are fresh. Beside it a force, with what
    the authority has `agreed` to send it, and an agency: `parts` tells whose is what.
    """
    name = name or f"a{uuid4().hex[:12]}"
    people = ("ash", "bea", "resi", "day", "deputy", "night", "boss", "worker", "gone")
    children = [
        _child(code, "foster" if code in {"C1", "C2"} else "home")
        for code in ("C1", "C2", *(f"C1{n}" for n in range(1, 7)))
    ]
    return {
        "authority": {"id": name, "name": "Kestrel County Council", "duty_line": "+441632960100"},
        "forces": [
            {
                "id": f"{name}-police",
                "name": "Northmoor Police",
                "notice_url": "http://127.0.0.1:1/notices",
                "secrets": [SECRET, OTHER_SECRET],
                "reply_secrets": [OTHER_SECRET],
                "callback": "+441632960101",
            }
        ],
        "placements": [
            {
                "reference": "foster",
                "kind": "foster",
                "address": "4 Mill Lane",
                "force": f"{name}-police",
                "host_authority": "lapwing",
            },
            {
                "reference": "home",
                "kind": "residential",
                "address": "9 High Street",
                "force": f"{name}-police",
                "host_authority": name,
            },
        ],
        "people": [
            {
                "reference": each,
                "name": f"{each.title()} Example",
                "mobile": fresh_number(),
                "email": f"{each}@kestrel.example",
                "language": "en",
            }
            for each in people
        ],
        "carers": [
            {"person": "ash", "placement": "foster"},
            {"person": "bea", "placement": "foster"},
            {"person": "resi", "placement": "home"},
        ],
        "children": children,
        "directory": [
            _line("duty.social-worker", "day", 1, "mon-fri", "09:00", "17:00", bank_holidays=False),
            _line("duty.social-worker", "deputy", 2, "mon-fri", "09:00", "17:00", bank_holidays=False),
            _line("duty.emergency-team", "night", 1, "every-day", "00:00", "24:00", bank_holidays=True),
            _line("duty.senior-manager", "boss", 1, "every-day", "00:00", "24:00", bank_holidays=True),
            _line("child.social-worker", "worker", 1, "every-day", "00:00", "24:00", bank_holidays=True)
            | {"child": "C1"},
        ],
        "agencies": [
            {
                "id": f"{name}-hospital",
                "secrets": [SECRET],
                "sources": [f"/agencies/{name}-hospital"],
                "types": [
                    "child.reported-missing.v1",
                    "child.returned.v1",
                    "police.acknowledged.v1",
                    "child.identified.v1",
                ],
                "verifies": True,
            }
        ],
    }


def parts(document: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the operator enters of organisations, and the authority's own import."""
    name, forces, agencies = document["authority"]["id"], document.get("forces", []), document.get("agencies")
    entered = {
        "forces": [{field: each[field] for field in each if field != "agreed"} for each in forces],
        "agencies": [
            {"id": each["id"], "secrets": each["secrets"], "sources": dict.fromkeys(each["sources"], name)}
            for each in agencies or []
        ],
    }
    own = {table: rows for table, rows in document.items() if table != "forces"}
    if forces:
        own["sharing_agreements"] = [
            {
                "reference": each["id"],
                "force": each["id"],
                "fields": each.get("agreed", list(NoticeField)),
                "from": "2026-01-01",
            }
            for each in forces
        ]
    if agencies is not None:
        own["agencies"] = [
            {field: each[field] for field in each if field not in {"secrets", "sources"}} for each in agencies
        ]
    return entered, own


async def enter(engine: AsyncEngine, keyring: Keyring, entered: dict[str, Any]) -> None:
    """As the operator does; what differs from a force's version is in force at once, and the one before is taken back."""
    given = Organisations.model_validate(entered)
    async with acting(engine) as (uow, now):
        proposed = await organisations.put_organisations(uow, keyring, given, PROPOSER, now)
        for force, version in proposed.items():
            before = await uow.fetch(versions_of(keyring, force))
            found = await organisations.change_by_id(uow, version, now)
            assert found is not None
            await organisations.approve(uow, found, APPROVER, now)
            for each in before:
                if each.version != version:
                    organisations.take_back(uow, replace(found, id=each.version), APPROVER, now)


async def own_part(engine: AsyncEngine, document: dict[str, Any]) -> dict[str, Any]:
    """What the authority itself imports, once its force and its agency are entered."""
    entered, own = parts(document)
    await enter(engine, KEYRING, entered)
    return own


async def propose(engine: AsyncEngine, keyring: Keyring, force: dict[str, Any]) -> UUID:
    async with acting(engine) as (uow, now):
        given = Organisations.model_validate({"forces": [force]})
        return (await organisations.put_organisations(uow, keyring, given, PROPOSER, now))[force["id"]]


async def approve(engine: AsyncEngine, version: UUID, by: str | None = None, at: datetime | None = None) -> str | None:
    """Why not, where it may not be approved. By somebody else than who proposed it."""
    account = by or APPROVER
    async with acting(engine) as (uow, now):
        found = await organisations.change_by_id(uow, version, now)
        refused = why_not_approved(found, account, at or now)
        if found is not None and refused is None:
            await organisations.approve(uow, found, account, at or now)
        return refused


@asynccontextmanager
async def acting(engine: AsyncEngine) -> AsyncIterator[tuple[UnitOfWork, datetime]]:
    clocks = Clocks()
    async with Store(engine, origin=Origin("casework", clocks)).transaction() as uow:
        await organisations.lock_organisations(uow)
        yield uow, clocks.wall()


def _child(code: str, placement: str) -> dict[str, Any]:
    return {
        "reference": code,
        "code": code,
        "name": f"Amara {code} Diallo",
        "known_as": ["Ama"],
        "sex": "female",
        "date_of_birth": "2011-03-04",
        "placement": placement,
        "unaccompanied": True,
        "modern_slavery_concern": None,
        "subject_to_immigration_control": True,
        "age_disputed": False,
        "guardian_allocated": False,
        "entered_care_at": "2026-11-20T10:00:00Z",
        "language": "fr",
        "description": "braided hair, a green coat",
    }


def _line(
    role: str, person: str, order: int, days: str, starts: str, ends: str, *, bank_holidays: bool
) -> dict[str, Any]:
    return {
        "role": role,
        "person": person,
        "order": order,
        "child": None,
        "days": days,
        "from": starts,
        "to": ends,
        "bank_holidays": bank_holidays,
    }


def number_of(document: dict[str, Any], person: str) -> str:
    return next(str(row["mobile"]) for row in document["people"] if row["reference"] == person)


async def load(engine: AsyncEngine, keyring: Keyring, document: dict[str, Any], at: datetime) -> dict[str, str]:
    """Imports it as casework does, switches it on, and returns the ids of its children, people and placements by reference."""
    name = document["authority"]["id"]
    entered, own = parts(document)
    await enter(engine, keyring, entered)
    given, faults = register_import.read(own, name)
    assert faults == []
    async with Store(engine).transaction() as uow:
        before = await lock_and_read(uow, name)
        given, _ = register_import.drop_given_away(given, before)
        assert cross_faults(given, before) == []
        await write_import(uow, keyring, name, given, before, at)
        uow.write("UPDATE register.authorities SET live = true WHERE id = %(name)s", {"name": name})
    async with Store(engine).transaction() as uow:
        after = await lock_and_read(uow, name)
    return {**after.placements, **after.people, **after.children}
