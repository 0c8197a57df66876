"""Each kind of desk that the sandbox plays, met by the real police service: over HTTP, TLS and SMTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.platform.delivery.channels import webhook
from services.platform.delivery.channels.email import EmailMedium, Relay
from services.platform.store.encryption import Keyring
from tests.support.engines.database import Database
from tests.support.engines.ports import free_port
from tests.support.in_process.police import FORCE_MAILBOX, REPLY_SECRET, Police, by_mail, police_of
from tests.support.in_process.register import SECRET
from tests.support.outside.sandbox import FORCE, Outside, play_outside_world

OFFICER = {"name": "PC Doshi", "collar_number": "WM 1207"}
ACKNOWLEDGED = ("duty.acknowledged",)


@asynccontextmanager
async def beside(
    database: Database,
    keyring: Keyring,
    *,
    mail: bool = False,
    tls: bool = False,
    polls: bool = False,
    answers: bool = True,
) -> AsyncIterator[tuple[Police, Outside]]:
    """The sandbox's one force, reached by its API, by its API with a wrong certificate, or by mail; or it comes itself."""
    port, tls_port = free_port(), free_port()
    mailbox = {"address": FORCE_MAILBOX, "name": "Control room", "answers": answers, "officer": OFFICER}
    async with play_outside_world(
        tls_port=tls_port, mailboxes=[mailbox], desks=[desk(port, answers=answers, polls=polls)]
    ) as outside:
        relay = Relay("127.0.0.1", outside.world.config.smtp_port, "safe-return@kestrel.example", encrypted=False)
        url = f"https://127.0.0.1:{tls_port}" if tls else outside.url

        def by_api(document: dict[str, Any]) -> None:
            document["forces"][0] |= {
                "notice_url": None if polls else f"{url}/desks/{FORCE}/notices",
                "polls": polls,
                "secrets": [SECRET],
                "reply_secrets": [REPLY_SECRET],
                "id": FORCE,
            }
            for each in document["placements"]:
                each["force"] = FORCE

        change, mails = by_mail if mail else by_api, EmailMedium(relay)
        async with police_of(database, keyring, change, mails=mails, port=port) as police:
            police.force = police.document["forces"][0]["id"]
            yield police, outside


def desk(port: int, *, answers: bool, polls: bool) -> dict[str, Any]:
    return {
        "force": FORCE,
        "name": "Northmoor Police control room",
        "secrets": [SECRET],
        "reply_url": f"http://127.0.0.1:{port}/forces/{FORCE}/replies",
        "reply_secret": REPLY_SECRET,
        "notices_url": f"http://127.0.0.1:{port}/forces/{FORCE}/notices" if polls else None,
        "answers": answers,
    }


async def told(police: Police, state: str, within: float = 45) -> Any:
    duty = await police.tell()
    await police.floor.until(duty.content.telling, state, within=within)
    return duty


async def until_tried(police: Police, duty: Any) -> None:
    async with asyncio.timeout(60):
        while not await police.floor.attempts(duty.content.telling):  # noqa: ASYNC110 the service has no event for it
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("polls", [False, True])
async def test_a_desk_takes_a_notice_and_an_officer_there_acknowledges_it(
    database: Database, keyring: Keyring, polls: bool
) -> None:
    async with beside(database, keyring, polls=polls) as (police, outside):
        duty = await told(police, "acknowledged")
        [notice] = await outside.get("/notices", force=FORCE)
        assert (notice["id"], notice["verified"]) == (str(duty.content.telling), True)
        [acknowledged] = await police.said_since(duty, ACKNOWLEDGED)
    assert acknowledged["data"]["how"] == "force"


@pytest.mark.parametrize("polls", [False, True])
async def test_a_desk_where_nobody_acknowledges_has_the_notice_and_no_more(
    database: Database, keyring: Keyring, polls: bool
) -> None:
    async with beside(database, keyring, answers=False, polls=polls) as (police, outside):
        duty = await told(police, "accepted")
        [notice] = await outside.get("/notices", force=FORCE)
        assert notice["acknowledged"] is False
        assert await police.said_since(duty, ACKNOWLEDGED) == []


@pytest.mark.parametrize(
    "behaviour",
    [
        {"mode": "failing", "status": 500},
        {"mode": "failing", "status": 429},
    ],
)
async def test_a_desk_in_trouble_has_the_notice_once_when_it_is_over(
    database: Database, keyring: Keyring, behaviour: dict[str, Any]
) -> None:
    async with beside(database, keyring) as (police, outside):
        await outside.behave(f"desks/{FORCE}", **behaviour)
        duty = await police.tell()
        await until_tried(police, duty)
        await outside.behave(f"desks/{FORCE}")
        await police.floor.until(duty.content.telling, "acknowledged")
        [notice] = await outside.get("/notices", force=FORCE)
        assert (notice["repeats"], notice["conflicts"]) == (0, 0)


async def test_a_slow_desk_is_waited_for(database: Database, keyring: Keyring) -> None:
    async with beside(database, keyring) as (police, outside):
        await outside.behave(f"desks/{FORCE}", mode="slow", delay_seconds=1.5)
        duty = await told(police, "acknowledged")
        [attempt] = await police.floor.attempts(duty.content.telling)
        assert attempt["took_ms"] >= 1500


async def test_a_desk_that_never_answers_may_have_the_notice_and_is_sent_it_again(
    database: Database, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "TOTAL_SECONDS", 1.0)
    async with beside(database, keyring) as (police, outside):
        await outside.behave(f"desks/{FORCE}", mode="silent")
        duty = await police.tell()
        await until_tried(police, duty)
        await outside.behave(f"desks/{FORCE}", acknowledges=False)
        await police.floor.until(duty.content.telling, "accepted")
        first, *_ = await police.floor.attempts(duty.content.telling)
        assert (first["result"], first["status"]) == ("unknown", None)
        assert len(await outside.get("/notices", force=FORCE)) == 1


async def test_a_desk_that_hangs_after_its_status_has_the_notice(
    database: Database, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "TOTAL_SECONDS", 1.0)
    async with beside(database, keyring) as (police, outside):
        await outside.behave(f"desks/{FORCE}", mode="hang", acknowledges=False)
        duty = await told(police, "accepted")
        [attempt] = await police.floor.attempts(duty.content.telling)
        [notice] = await outside.get("/notices", force=FORCE)
        assert (attempt["status"], notice["repeats"], notice["conflicts"]) == (200, 0, 0)


async def test_a_desk_with_anothers_certificate_gets_nothing_and_a_person_is_to_telephone(
    database: Database, keyring: Keyring
) -> None:
    async with beside(database, keyring, tls=True) as (police, outside):
        duty = await told(police, "failed")
        [failed] = await police.said_since(duty, ("duty.failed",))
        assert failed["data"]["reason"] == "untrusted-certificate"
        assert await outside.get("/notices") == []
        assert await police.said_since(duty, ("duty.accepted",)) == []


async def test_an_officer_of_a_force_without_an_api_opens_the_page_and_acknowledges(
    database: Database, keyring: Keyring
) -> None:
    async with beside(database, keyring, mail=True) as (police, _):
        duty = await told(police, "acknowledged")
        [acknowledged] = await police.said_since(duty, ACKNOWLEDGED)
    assert acknowledged["data"]["how"] == "page"


async def test_an_officer_acknowledges_on_demand_with_a_reference(database: Database, keyring: Keyring) -> None:
    async with beside(database, keyring, mail=True, answers=False) as (police, outside):
        duty = await told(police, "accepted")
        path = f"/mailboxes/{FORCE_MAILBOX}/acknowledge"
        answer = await outside.scripts.post(path, json={"reference": "WM-20261124-0007"})
        assert answer.json() == {"taken": True}
        kinds = [each["type"] for each in await police.said_since(duty, ("police.", "duty.acknowledged"))]
        assert {"police.acknowledged.v1", "police.reference-given.v1", "duty.acknowledged.v1"} <= set(kinds)
        nobody = await outside.scripts.post("/mailboxes/nobody@northmoor.example/acknowledge", json={})
        assert nobody.status_code == 404
