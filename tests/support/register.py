"""An authority for tests: made anew for each, so that tests do not meet in the database."""

from base64 import b64encode
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from services.casework.policy import register_import
from services.casework.policy.consistency import cross_faults
from services.casework.store.import_writer import lock_and_read, write_import
from services.platform.register.keys import data_key
from services.platform.register.words import Words, decrypt_words
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store
from tests.support.database import Database

SECRET = "whsec_" + b64encode(b"s" * 32).decode()
OTHER_SECRET = "whsec_" + b64encode(b"o" * 32).decode()
_count = iter(range(10_000))


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
        await connection.execute(text("DELETE FROM register.data_keys WHERE owner = :owner"), {"owner": owner})
    async with engine.begin() as connection:
        await data_key(connection, keyring, owner)
    await engine.dispose()


def fresh_number() -> str:
    """A mobile of Ofcom's drama range is one of a thousand, so tests take longer ones that no network has."""
    return f"+4477009{next(_count):05d}"


def authority(name: str | None = None) -> dict[str, Any]:
    """One foster placement with a couple and two children, a home with six, a rota, an agency. Numbers are fresh."""
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
    """Imports it as casework does, and returns the ids of its children, people and placements by reference."""
    name = document["authority"]["id"]
    given, faults = register_import.read(document, name)
    assert faults == []
    async with Store(engine).transaction() as uow:
        before = await lock_and_read(uow, name)
        given, _ = register_import.drop_given_away(given, before.given_away)
        assert cross_faults(given, before.known) == []
        await write_import(uow, keyring, name, given, before, at)
    async with Store(engine).transaction() as uow:
        after = await lock_and_read(uow, name)
    return {**after.placements, **after.people, **after.children}
