"""Who may change how a force is reached: nobody by an import, two people by a change that was tried. Notices show what holds."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from services.options.register_upkeep import organisations
from services.options.register_upkeep.policy.organisations import Organisations
from services.platform.delivery.channels.webhook import Trust, signed
from services.platform.delivery.links import Links
from services.platform.delivery.webhook_signature import generate_key
from services.platform.register import keys
from services.platform.register.organisations import Forces, versions_of
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.police.notices.sender import NoticeSender, put_test
from tests.support.engines.database import Database
from tests.support.in_process.casework import ImportAuth, casework
from tests.support.in_process.police import REPLY_SECRET, Police, police_of
from tests.support.in_process.register import (
    APPROVER,
    OTHER_SECRET,
    PROPOSER,
    SECRET,
    acting,
    approve,
    authority,
    parts,
    propose,
)
from tests.support.outside.desk import faulty_desk


@pytest.fixture
async def police(database: Database, keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Police]:
    monkeypatch.setattr(keys, "FRESH_SECONDS", 0.0)
    async with police_of(database, keyring) as running:
        yield running


@asynccontextmanager
async def register_of(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    engine = database.engine("casework")
    transport = httpx.ASGITransport(casework(database, engine))
    async with httpx.AsyncClient(transport=transport, base_url="http://casework", auth=ImportAuth(engine)) as client:
        yield client
    await engine.dispose()


def row_of(police: Police, **changes: Any) -> dict[str, Any]:
    return dict(parts(police.document)[0]["forces"][0]) | changes


async def try_change(police: Police, version: UUID, state: str = "accepted") -> None:
    async with police.floor.store.transaction() as uow:
        test = await put_test(uow, police.keyring, police.force, datetime.now(UTC), version)
    await police.floor.until(test.id, state)


async def told_of(database: Database, force: str) -> list[dict[str, Any]]:
    engine = database.engine("casework")
    async with engine.connect() as connection:
        query = "SELECT envelope FROM casework.outbox WHERE key = :k ORDER BY position"
        found = await connection.execute(text(query), {"k": f"force-{force}"})
        said = [json.loads(bytes(row.envelope)) for row in found]
    await engine.dispose()
    return said


async def test_no_import_of_another_authority_redirects_a_forces_notices(database: Database, police: Police) -> None:
    """Row 2 of what attacks did: an own URL and own secrets for a force that somebody else's notices go to."""
    other = authority()
    name, theirs = other["authority"]["id"], police.force
    async with faulty_desk(OTHER_SECRET) as thief, register_of(database) as register:
        stolen = row_of(police, notice_url=thief.url, secrets=[OTHER_SECRET], reply_secrets=[SECRET])
        _, own = parts(other)
        own |= {
            "placements": [each | {"force": theirs} for each in own["placements"]],
            "sharing_agreements": [{"reference": "x", "force": theirs, "fields": ["said"], "from": "2026-01-01"}],
            "agencies": [],
        }
        before = await versions(police)
        refused = await register.put(f"/register/{name}", json=own | {"forces": [stolen]})
        sheet = await register.put(f"/register/{name}/forces", content=b"id\n", headers={"content-type": "text/csv"})
        allowed = await register.put(f"/register/{name}", json=own)
        _, notice = await police.notice()
        reply = {
            "type": "police.returned",
            "timestamp": datetime.now(UTC).isoformat(),
            "data": {"notice": notice["data"]["notice"]},
        }
        forged = await police.reply(reply, secret=SECRET)
    assert (refused.status_code, sheet.status_code, allowed.status_code) == (422, 404, 200), allowed.text
    assert [(each["table"], each["row"]) for each in refused.json()["errors"]] == [("forces", 0)]
    assert thief.received == []
    assert forged.status_code == 401
    assert notice["data"]["not_agreed"] == [], "what the other authority agreed to is its own alone"
    assert await versions(police) == before


async def versions(police: Police) -> list[Any]:
    async with acting(police.casework) as (uow, _):
        return await uow.fetch(versions_of(police.keyring, police.force))


async def test_a_change_is_proposed_tried_and_approved_by_a_second_person_before_it_holds(
    database: Database, police: Police
) -> None:
    async with faulty_desk(OTHER_SECRET) as new_desk:
        version = await propose(
            police.casework, police.keyring, row_of(police, notice_url=new_desk.url, secrets=[OTHER_SECRET])
        )
        await police.notice()
        assert new_desk.received == [], "what is only proposed gets no notice"
        assert "try it first" in str(await approve(police.casework, version))
        await try_change(police, version)
        [test] = new_desk.received
        assert test.verified
        assert json.loads(test.body)["type"] == "connection.test"
        assert "second person" in str(await approve(police.casework, version, by=PROPOSER))
        assert await approve(police.casework, version) is None
        assert "waits for approval" in str(await approve(police.casework, version))
        told = await police.tell()
        await police.floor.until(told.content.telling, "accepted")
        assert [each.id for each in new_desk.received[1:]] == [str(told.content.telling)]
        steps = [each["data"] for each in await told_of(database, police.force)]
        secret_words = json.dumps(steps)
    assert [(each["step"], each["account"]) for each in steps[-2:]] == [("proposed", PROPOSER), ("approved", APPROVER)]
    assert set(steps[-2]["fields"]) == {"notice_url", "secrets"}
    assert "whsec_" not in secret_words
    assert "127.0.0.1" not in secret_words


async def test_an_approved_change_may_be_taken_back_and_the_one_before_holds_again(police: Police) -> None:
    async with faulty_desk(SECRET) as new_desk:
        version = await propose(police.casework, police.keyring, row_of(police, notice_url=new_desk.url))
        await try_change(police, version)
        await approve(police.casework, version)
        async with acting(police.casework) as (uow, now):
            found = await organisations.change_by_id(uow, version, now)
            assert found is not None
            organisations.take_back(uow, found, APPROVER, now)
        await police.notice()
        assert len(new_desk.received) == 1, "its test alone"


async def test_a_change_that_fails_its_trial_holds_no_notice_up(police: Police) -> None:
    version = await propose(police.casework, police.keyring, row_of(police, notice_url="http://127.0.0.1:9/notices"))
    async with police.floor.store.transaction() as uow:
        await put_test(uow, police.keyring, police.force, datetime.now(UTC), version)
    for _ in range(3):
        await police.notice()
    assert "try it first" in str(await approve(police.casework, version))


async def test_keys_that_are_only_proposed_confirm_no_real_notice(police: Police) -> None:
    police.document["forces"][0] |= {"notice_url": None, "polls": True}
    await police.register()
    told = await police.tell()
    await police.floor.until(told.content.telling, "unknown")
    assert len((await come(police, 0, REPLY_SECRET)).json()["notices"]) == 1
    private, public = generate_key()
    await propose(police.casework, police.keyring, row_of(police, reply_secrets=[public]))
    theirs = await come(police, 2**61, private)
    assert (theirs.status_code, theirs.json()["notices"]) == (200, [])
    assert await police.said_since(told, ("duty.accepted",)) == []
    assert len((await come(police, 0, REPLY_SECRET)).json()["notices"]) == 1


async def come(police: Police, after: int, key: str) -> httpx.Response:
    target = f"/forces/{police.force}/notices?after={after}"
    return await police.http.get(target, headers=signed(str(uuid4()), target, (key,), datetime.now(UTC)))


async def test_a_change_takes_effect_at_its_time(police: Police) -> None:
    async with faulty_desk(SECRET) as new_desk:
        version = await propose(police.casework, police.keyring, row_of(police, notice_url=new_desk.url))
        await try_change(police, version)
        await approve(police.casework, version, at=datetime.now(UTC) + timedelta(hours=1))
        await police.notice()
        assert len(new_desk.received) == 1


@pytest.mark.parametrize("before", [{"notice_url": "http://127.0.0.1:9/notices"}, {"notice_url": None, "polls": True}])
async def test_notices_that_wait_follow_their_force_to_its_new_address(police: Police, before: dict[str, Any]) -> None:
    police.document["forces"][0] |= before
    await police.register()
    waiting = await police.tell()
    async with faulty_desk(SECRET) as new_desk, police.floor.without_pauses():
        version = await propose(police.casework, police.keyring, row_of(police, notice_url=new_desk.url, polls=False))
        await try_change(police, version)
        assert str(waiting.content.telling) not in [each.id for each in new_desk.received]
        await approve(police.casework, version)
        await police.floor.until(waiting.content.telling, "accepted")
        assert str(waiting.content.telling) in [each.id for each in new_desk.received]


async def test_what_one_force_trusts_counts_for_no_other_at_the_same_address(police: Police) -> None:
    trusted = dict[str, Trust]()
    for each in ("a", "b"):
        async with acting(police.casework) as (uow, _):
            given = {"forces": [row_of(police, notice_url="https://shared.example/", id=f"{police.force}-{each}")]}
            await organisations.put_organisations(
                uow, police.keyring, Organisations.model_validate(given), PROPOSER, datetime.now(UTC)
            )
            [force] = await uow.fetch(versions_of(police.keyring, f"{police.force}-{each}"))
        clocks = Clocks()
        forces = Forces(police.keyring, clocks)
        sender = NoticeSender(police.keyring, clocks, Links("", ""), forces, trusted.__setitem__)
        sender._recipient_of(force)
    assert len(trusted) == 2


@pytest.mark.parametrize("lacking", ["until_on = '2026-01-02'", "fields = '{}'"], ids=["over", "names nothing"])
async def test_without_an_agreement_police_get_what_finds_a_child_and_the_duty_desk_is_told(
    police: Police, lacking: str
) -> None:
    async with police.casework.begin() as connection:
        update = f"UPDATE register.sharing_agreements SET {lacking} WHERE authority = :a"
        await connection.execute(text(update), {"a": police.authority})
    told, notice = await police.notice()
    data = notice["data"]
    assert (data["child"]["name"], data["placement"]["address"]) == ("Amara C1 Diallo", "4 Mill Lane")
    assert {"child.medical", "child.nrm_status", "child.exploitation", "child.unaccompanied"} <= set(data["not_agreed"])
    [gaps] = [each["data"]["gaps"] for each in await police.said_since(told, ("police.notice-has-gaps",))]
    assert "sharing-agreement" in gaps


async def test_a_notice_states_the_agreements_basis(police: Police) -> None:
    async with police.casework.begin() as connection:
        stated = "UPDATE register.sharing_agreements SET basis = 'Public task, agreement NP-7' WHERE authority = :a"
        await connection.execute(text(stated), {"a": police.authority})
    _, notice = await police.notice()
    assert notice["data"]["sharing_basis"] == "Public task, agreement NP-7"
