"""A force's daily list against ours: every difference is said once, and silence is one."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from services.police import store
from services.police.list_watch import ListWatch
from services.police.policy import Standing, differences, silent_about
from services.safeguarding.roles import Wording
from services.store.encryption import Keyring
from tests.support.database import Database
from tests.support.police import Police, police_of

AT = datetime(2026, 11, 25, 6, tzinfo=UTC)


def standing(state: str = "missing", hours: float = 5, *, exercise: bool = False) -> Standing:
    child = "child-00000000-0000-4000-8000-000000000001"
    return Standing(uuid4(), child, "kestrel", exercise, state, AT - timedelta(hours=hours))


def found(ours: Standing, *, listed: bool) -> list[str]:
    return [each for _, each in differences([ours], {ours.episode} if listed else set(), AT)]


@pytest.mark.parametrize(
    ("ours", "listed", "expected"),
    [
        (standing(), True, []),
        (standing(), False, ["not-with-police"]),
        (standing("located"), False, ["not-with-police"]),
        (standing(hours=0.5), False, []),
        (standing("returned"), True, []),
        (standing("returned", hours=30), True, ["open-with-police-only"]),
        (standing("retracted", hours=30), True, ["open-with-police-only"]),
        (standing("returned", hours=30), False, []),
        (standing(exercise=True), False, []),
    ],
)
def test_what_differs(ours: Standing, listed: bool, expected: list[str]) -> None:
    assert found(ours, listed=listed) == expected


def test_a_day_of_silence_is_told_of_once_about_the_child_missing_longest() -> None:
    older, newer = standing(hours=40), standing(hours=30)
    assert silent_about([newer, older], None, None, AT) == older
    assert silent_about([newer, older], AT - timedelta(hours=25), None, AT) is None
    assert silent_about([newer, older], AT - timedelta(hours=50), AT - timedelta(hours=1), AT) is None
    assert silent_about([standing("returned", hours=40)], None, None, AT) is None


@pytest.fixture
async def police(database: Database, keyring: Keyring) -> AsyncIterator[Police]:
    async with police_of(database, keyring) as running:
        yield running


def open_list(*episodes: UUID) -> dict[str, Any]:
    about = {"open": [{"episode": str(each), "reference": "NP-1"} for each in episodes]}
    return {"type": "police.open-list", "timestamp": datetime.now(UTC).isoformat(), "data": about}


async def long_ago(police: Police, episode: UUID, hours: float = 30) -> None:
    async with police.floor.store.transaction() as transaction:
        await transaction.connection.execute(
            update(store.episodes)
            .where(store.episodes.c.episode == episode)
            .values(told_at=datetime.now(UTC) - timedelta(hours=hours))
        )


async def test_a_child_whom_the_force_does_not_list_is_said_to_the_protocol_without_a_name(police: Police) -> None:
    told, _ = await police.notice()
    await long_ago(police, told.content.episode)
    assert (await police.reply(open_list(), door="open-list")).status_code == 202
    [said] = await police.said_since(told, ("police.list-differs",))
    assert said["data"]["difference"] == "not-with-police"
    assert said["data"]["episode"] == str(told.content.episode)
    assert "NP-1" not in json.dumps(said)


async def test_the_same_list_again_says_nothing_more(police: Police) -> None:
    told, _ = await police.notice()
    await long_ago(police, told.content.episode)
    listed, list_id = open_list(), f"msg_{uuid4().hex}"
    answers = [await police.reply(listed, door="open-list", id=list_id) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len(await police.said_since(told, ("police.list-differs",))) == 1


async def test_lists_that_agree_say_nothing_and_strangers_are_named_back(police: Police) -> None:
    told, _ = await police.notice()
    await long_ago(police, told.content.episode)
    stranger = uuid4()
    answer = await police.reply(open_list(told.content.episode, stranger), door="open-list")
    assert answer.json()["not_told"] == [str(stranger)]
    assert await police.said_since(told, ("police.list-differs",)) == []


async def test_a_child_who_is_back_and_still_on_the_forces_list_is_said(police: Police) -> None:
    told, _ = await police.notice()
    await police.notice(wording=Wording.RETURNED_NOTICE, episode=told.content.episode)
    await long_ago(police, told.content.episode)
    await police.reply(open_list(told.content.episode), door="open-list")
    [said] = await police.said_since(told, ("police.list-differs",))
    assert said["data"]["difference"] == "open-with-police-only"


@pytest.mark.parametrize("lists_both", [True, False])
async def test_of_an_absence_reported_twice_a_force_may_list_either_notice_until_the_child_is_back(
    police: Police, lists_both: bool
) -> None:
    first, _ = await police.notice()
    second, _ = await police.notice()
    one, other = first.content.episode, second.content.episode
    await police.notice(wording=Wording.MISSING_UPDATE, episode=one, refers_to=second.content.telling)
    for each in (one, other):
        await long_ago(police, each)
    await police.reply(open_list(one, *([other] if lists_both else [])), door="open-list")
    assert await differs(police, first) == []

    await police.notice(wording=Wording.RETURNED_NOTICE, episode=one, refers_to=second.content.telling)
    await long_ago(police, other)
    await police.reply(open_list(other), door="open-list")
    assert await differs(police, first) == [("open-with-police-only", str(other))]


async def differs(police: Police, told: Any) -> list[tuple[str, str]]:
    said = await police.said_since(told, ("police.list-differs",))
    return [(each["data"]["difference"], each["data"]["episode"]) for each in said]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"type": "police.open-list"}, 422),
        (open_list() | {"data": {"open": [{"episode": "x"}]}}, 422),
        (b"not json", 422),
    ],
)
async def test_what_is_no_list_is_refused_by_its_field(police: Police, body: Any, status: int) -> None:
    answer = await police.reply(body, door="open-list")
    assert answer.status_code == status
    assert answer.json()["errors"][0]["field"]


async def test_an_unsigned_list_is_refused(police: Police) -> None:
    answer = await police.http.post(f"/forces/{police.force}/open-list", json=open_list())
    assert answer.status_code == 401


async def test_a_list_that_does_not_come_is_said_once(police: Police) -> None:
    police.document["forces"][0]["sends_open_list"] = True
    await police.register()
    told, _ = await police.notice()
    await long_ago(police, told.content.episode)
    watch = ListWatch(police.floor.store, police.floor.clocks)
    await watch.turn()
    await watch.turn()
    [said] = await police.said_since(told, ("police.list-differs",))
    assert said["data"]["difference"] == "no-list"
