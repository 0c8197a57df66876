"""A force that nothing reaches from outside comes for its notices: the same duty, the same record, the same answers as by a webhook."""

import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from services.platform.delivery.channels.webhook import signed
from services.platform.delivery.webhook_signature import generate_key, is_signed
from services.platform.store.encryption import Keyring
from services.safeguarding.duty.duties import PoliceNotify
from tests.support.engines.database import Database
from tests.support.in_process.police import REPLY_SECRET, Police, answer, police_of
from tests.support.in_process.register import SECRET


def polls(document: dict[str, Any]) -> None:
    document["forces"][0] |= {"notice_url": None, "polls": True}


@pytest.fixture
async def police(database: Database, keyring: Keyring) -> AsyncIterator[Police]:
    async with police_of(database, keyring, polls) as running:
        yield running


async def come(
    police: Police,
    after: str = "0",
    *,
    key: str = REPLY_SECRET,
    signed_target: str | None = None,
    off: timedelta = timedelta(),
) -> httpx.Response:
    target = f"/forces/{police.force}/notices?after={after}"
    now = datetime.now(UTC) + off
    return await police.http.get(target, headers=signed(str(uuid4()), signed_target or target, (key,), now))


async def until_offered(police: Police, told: Any) -> dict[str, Any]:
    await police.floor.until(told.content.telling, "unknown")
    answered: dict[str, Any] = (await come(police)).json()
    return answered


async def test_a_notice_is_accepted_once_the_force_has_come_for_more_and_not_before(police: Police) -> None:
    told = await police.tell()
    offered = await until_offered(police, told)
    [notice] = offered["notices"]
    assert is_signed(notice["body"].encode(), notice["headers"], (SECRET,))
    assert json.loads(notice["body"])["data"]["notice"] == str(told.content.telling) == notice["headers"]["webhook-id"]
    assert await police.said_since(told, ("duty.accepted", "duty.failed")) == []
    assert (await come(police)).json()["notices"][0]["body"] == notice["body"], "asked again, it is the same"
    assert (await come(police, offered["after"])).json() == {"notices": [], "after": offered["after"]}
    await police.floor.until(told.content.telling, "accepted")
    assert len(await police.said_since(told, ("duty.accepted",))) == 1
    await come(police, offered["after"])
    assert len(await police.said_since(told, ("duty.accepted",))) == 1


async def test_a_cursor_that_no_answer_gave_confirms_nothing_and_gives_what_was_never_given(police: Police) -> None:
    """As a force has it after a restoration: what is put since lies below it."""
    taken = await until_offered(police, await police.tell())
    await come(police, taken["after"])
    told = await police.tell()
    await police.floor.until(told.content.telling, "unknown")
    ahead = str(int(taken["after"]) + 5000)
    for _ in range(2):
        given = (await come(police, ahead)).json()
        assert [each["headers"]["webhook-id"] for each in given["notices"]] == [str(told.content.telling)]
    assert (await police.floor.row(told.content.telling))["state"] == "unknown"
    assert (await come(police, given["after"])).json() == {"notices": [], "after": given["after"]}
    assert (await police.floor.row(told.content.telling))["state"] == "accepted"
    assert (await come(police, ahead)).json() == {"notices": [], "after": given["after"]}


async def test_it_is_signed_by_the_machines_own_clock(police: Police) -> None:
    """Nobody outside goes by the database's, which may be the wrong one."""
    police.floor.clocks.follow(police.floor.clocks.own() + timedelta(hours=1), time.monotonic())
    [notice] = (await until_offered(police, await police.tell()))["notices"]
    signed_at = int(notice["headers"]["webhook-timestamp"])
    assert signed_at == pytest.approx(police.floor.clocks.own().timestamp(), abs=60)


async def test_it_is_acknowledged_by_the_same_reply(police: Police) -> None:
    told = await police.tell()
    await until_offered(police, told)
    assert (await police.reply(answer(told))).status_code == 202
    [acknowledged] = await police.said_since(told, ("duty.acknowledged",))
    assert acknowledged["data"]["how"] == "force"


async def test_the_details_of_a_notice_that_a_force_came_for_open_without_a_code(police: Police) -> None:
    """No mail went out with a page where a code could be asked for."""
    police.document["children"][0]["description"] = "a green coat " * 150
    await police.register()
    [notice] = (await until_offered(police, await police.tell()))["notices"]
    path = json.loads(notice["body"])["data"]["details"]["url"].removeprefix("http://police")
    assert "a green coat" in (await police.http.post(path, data={"answer": "open"})).text


async def test_nothing_of_the_force_is_given_to_anybody_else(police: Police) -> None:
    told = await police.tell()
    await until_offered(police, told)
    for refused in (
        await police.http.get(f"/forces/{police.force}/notices?after=0"),
        await come(police, key=SECRET),
        await come(police, off=timedelta(minutes=-6)),
        await come(police, signed_target=f"/forces/{police.force}/notices?after=7"),
        await police.http.get("/forces/nobody/notices?after=0"),
    ):
        assert refused.status_code == 401
        assert "Amara" not in refused.text
    for cursor in ("-1", "Amara", ""):
        wrong = await come(police, cursor)
        assert (wrong.status_code, wrong.headers["content-type"]) == (422, "application/problem+json")
        assert wrong.json()["field"] == "after"
        assert "Amara" not in wrong.text


async def test_a_withdrawn_notice_is_offered_no_more(police: Police) -> None:
    told = await police.tell()
    await until_offered(police, told)
    content = told.content.model_copy(update={"act": "withdraw", "revision": 2})
    withdrawn = type(told)(
        **{each: getattr(told, each) for each in told.__slots__} | {"content": content, "id": str(uuid4())}
    )
    assert isinstance(withdrawn.content, PoliceNotify)
    async with police.floor.store.transaction() as uow:
        await police.handlers.on_police_notify(withdrawn, uow)
    await police.floor.until(told.content.telling, "withdrawn")
    assert (await come(police)).json()["notices"] == []
    assert len(await police.said_since(told, ("duty.accepted",))) == 1, (
        "it may have been taken: its force hears the all-clear"
    )


async def test_many_notices_that_nobody_comes_for_hold_no_later_one_up(police: Police) -> None:
    several = [await police.tell() for _ in range(8)]
    for told in several:
        await police.floor.until(told.content.telling, "unknown")
    offered = (await come(police)).json()["notices"]
    assert {each["headers"]["webhook-id"] for each in offered} == {str(told.content.telling) for told in several}


async def test_both_sides_may_sign_with_keys_that_only_they_hold(police: Police) -> None:
    (ours, ours_public), (theirs, theirs_public) = generate_key(), generate_key()
    police.document["forces"][0] |= {"secrets": [ours], "reply_secrets": [theirs_public]}
    await police.register()
    told = await police.tell()
    await police.floor.until(told.content.telling, "unknown")
    assert (await come(police, key=SECRET)).status_code == 401
    [notice] = (await come(police, key=theirs)).json()["notices"]
    assert notice["headers"]["webhook-signature"].startswith("v1a,")
    assert is_signed(notice["body"].encode(), notice["headers"], (ours_public,))
    assert not is_signed(notice["body"].encode() + b" ", notice["headers"], (ours_public,))
    assert not is_signed(notice["body"].encode(), notice["headers"], (theirs_public,))


async def test_a_notice_that_does_not_open_holds_up_no_other_and_is_not_confirmed(police: Police) -> None:
    """The cursor that passes over it says nothing about it. Once it opens, the force gets it."""
    closed, other = await police.tell("C1"), await police.tell("C2")
    for each in (closed, other):
        await police.floor.until(each.content.telling, "unknown")
    await turn_key(police, police.ids["C1"])
    offered = (await come(police)).json()
    assert [each["headers"]["webhook-id"] for each in offered["notices"]] == [str(other.content.telling)]
    after = offered["after"]
    alone = await come(police, after)
    assert (alone.status_code, alone.json()["title"]) == (503, "Notices cannot be opened"), (
        "none is not the same as no child"
    )
    await police.floor.until(other.content.telling, "accepted")
    assert await police.said_since(closed, ("duty.accepted",)) == []
    await turn_key(police, police.ids["C1"])
    [notice] = (await come(police, after)).json()["notices"]
    assert notice["headers"]["webhook-id"] == str(closed.content.telling)
    assert int(notice["cursor"]) > int(after)
    await come(police, notice["cursor"])
    await turn_key(police, police.ids["C1"])
    assert len((await come(police)).json()["notices"]) == 1
    await turn_key(police, police.ids["C1"])
    assert len((await come(police)).json()["notices"]) == 2, "what it has confirmed is not taken back"


async def turn_key(police: Police, owner: str) -> None:
    """Makes the key unreadable, and readable if it was turned before."""
    turn = "UPDATE register.sealed_keys SET sealed = set_byte(sealed, 0, get_byte(sealed, 0) # 1) WHERE owner = :owner"
    async with police.casework.begin() as connection:
        await connection.execute(text(turn), {"owner": owner})
