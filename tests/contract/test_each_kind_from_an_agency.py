"""`POST /events` takes every kind that an agency may say, one by one: drawn from the contracts, so that a new kind is tried too."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from services.casework.openapi import sayable
from services.casework.policy import OURS
from services.platform.store.encryption import Keyring
from services.safeguarding.child_events.events import Told
from services.safeguarding.identifiers import derived
from services.safeguarding.message import class_name
from services.schemas.messages import FORMATS, example
from tests.support.engines.database import Database
from tests.support.in_process.casework import casework
from tests.support.in_process.register import authority, load
from tests.support.outside.agency import Hospital

KINDS = sayable()
DAY, MOMENT = FORMATS["date"], FORMATS["date-time"].replace("+00:00", "Z")
NEEDED = [
    (kind, name)
    for kind in KINDS
    for name, field in kind.model_fields.items()
    if field.is_required() and name not in (*OURS, "words")
]
DATED = [(kind, name) for kind in KINDS for name, value in example(kind)["data"].items() if value in (DAY, MOMENT)]
SAID = "She was seen with Tariq near the mill"


@pytest.fixture
async def hospital(database: Database, keyring: Keyring) -> AsyncIterator[Hospital]:
    engine = database.engine("casework")
    document = authority()
    document["agencies"][0]["types"] = [kind.kind for kind in KINDS]
    ids = await load(engine, keyring, document, datetime(2026, 11, 24, tzinfo=UTC))
    transport = httpx.ASGITransport(casework(database, engine), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://casework") as client:
        yield Hospital(client, engine, document["authority"]["id"], ids)
    await engine.dispose()


def whole(hospital: Hospital, kind: type[Told], **but: Any) -> dict[str, Any]:
    """The contract's own example, as an agency says it: everything that is its to say."""
    written = example(kind)["data"]
    data = {name: value for name, value in written.items() if name not in (*OURS, "words")}
    if "child" in kind.model_fields:
        data["child"] = hospital.ids["C2"]
    data = {name: value for name, value in (data | {"words": [SAID]} | but).items() if value is not ...}
    return hospital.event(type=kind.kind, data=data)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
async def test_each_kind_is_taken_and_travels_as_ids_and_flags_alone(hospital: Hospital, kind: type[Told]) -> None:
    event = whole(hospital, kind)
    answer = await hospital.send(event)
    assert (answer.status_code, answer.text) == (202, answer.text)
    first, *_ = await hospital.said(hospital.ids["C1"])
    assert (type(first.content), first.id, first.source) == (
        kind,
        str(derived("agency event", hospital.source, event["id"])),
        hospital.source,
    )
    travelled = json.loads(first.content.model_dump_json())
    given = {name: value for name, value in event["data"].items() if name != "words"}
    assert {name: travelled[name] for name in given} == given
    (words,) = travelled["words"]
    assert words.startswith("words-")
    assert "Tariq" not in json.dumps(travelled)
    assert travelled["authority"] == hospital.name


@pytest.mark.parametrize(
    ("kind", "missing"), NEEDED, ids=[f"{kind.kind} without {missing}" for kind, missing in NEEDED]
)
async def test_each_needed_field_that_is_missing_is_named(hospital: Hospital, kind: type[Told], missing: str) -> None:
    answer = await hospital.send(whole(hospital, kind, **{missing: ...}))
    assert (answer.status_code, answer.json()["field"]) == (422, f"data.{missing}")
    assert await hospital.said(hospital.ids["C1"]) == []


@pytest.mark.parametrize(("kind", "dated"), DATED, ids=[f"{kind.kind} {dated}" for kind, dated in DATED])
@pytest.mark.parametrize("year", ["0001", "9999"])
async def test_each_date_that_is_none_is_named(hospital: Hospital, kind: type[Told], dated: str, year: str) -> None:
    given = whole(hospital, kind)
    given["data"][dated] = year + given["data"][dated][4:]
    answer = await hospital.send(given)
    assert (answer.status_code, answer.json()["field"]) == (422, f"data.{dated}")
    assert "is needed" in answer.json()["detail"]
    assert await hospital.said(hospital.ids["C1"]) == []


def test_the_kinds_are_the_guidances_and_not_our_own() -> None:
    names = {class_name(kind.kind) for kind in KINDS}
    assert {
        "ChildReportedMissing",
        "ChildTransferred",
        "CarerAwarenessRecorded",
        "EmergencyAccommodationRequested",
    } <= names
    assert not names & {"TextNeedsHuman", "PoliceAcknowledged", "DutyHandOverAsked", "ContactListed"}
