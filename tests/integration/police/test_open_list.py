"""A force's daily list against ours: every difference is said once, and silence is one."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import text

from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, all_rows
from services.police import replies as monitor
from services.police import store
from services.police.policy import ToldEpisode, differences, longest_missing_in_silence
from services.police.replies import OpenListMonitor
from services.safeguarding.roles import Wording
from tests.support.engines.database import Database
from tests.support.in_process.police import Police, police_of

AT = datetime(2026, 11, 25, 6, tzinfo=UTC)


def standing(state: str = "missing", hours: float = 5, *, exercise: bool = False) -> ToldEpisode:
    child = "child-00000000-0000-4000-8000-000000000001"
    return ToldEpisode(uuid4(), child, "kestrel", exercise, state, AT - timedelta(hours=hours))


def found(ours: ToldEpisode, *, listed: bool) -> list[str]:
    return [each for _, each in differences([ours], {ours.episode} if listed else set(), AT)]


@pytest.mark.parametrize(
    ("ours", "listed", "expected"),
    [
        (standing(), True, []),
        (standing(), False, ["not-with-police"]),
        (standing("located"), False, ["not-with-police"]),
        (standing(hours=0.5), False, []),
        (standing(hours=-2), False, []),
        (standing("returned"), True, []),
        (standing("returned", hours=30), True, ["open-with-police-only"]),
        (standing("retracted", hours=30), True, ["open-with-police-only"]),
        (standing("returned", hours=30), False, []),
        (standing(exercise=True), False, []),
    ],
)
def test_what_differs(ours: ToldEpisode, listed: bool, expected: list[str]) -> None:
    assert found(ours, listed=listed) == expected


def test_a_day_of_silence_is_told_of_once_about_the_child_missing_longest() -> None:
    older, newer = standing(hours=40), standing(hours=30)
    assert longest_missing_in_silence([newer, older], None, None, AT) == older
    assert longest_missing_in_silence([newer, older], AT - timedelta(hours=25), None, AT) is None
    assert longest_missing_in_silence([newer, older], AT - timedelta(hours=50), AT - timedelta(hours=1), AT) is None
    assert longest_missing_in_silence([standing("returned", hours=40)], None, None, AT) is None


@pytest.fixture
async def police(database: Database, keyring: Keyring) -> AsyncIterator[Police]:
    async with police_of(database, keyring) as running:
        yield running


def open_list(*episodes: UUID, ago: timedelta = timedelta()) -> dict[str, Any]:
    """Drawn up that long ago, and sent now."""
    about = {"open": [{"episode": str(each), "reference": "NP-1"} for each in episodes]}
    return {"type": "police.open-list", "timestamp": (datetime.now(UTC) - ago).isoformat(), "data": about}


async def long_ago(police: Police, episode: UUID, hours: float = 30) -> None:
    async with police.floor.store.transaction() as uow:
        await uow.connection.execute(
            text("UPDATE police.episodes SET told_at = :told_at WHERE episode = :episode"),
            {"told_at": datetime.now(UTC) - timedelta(hours=hours), "episode": episode},
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
    await police.notice(wording=Wording("returned-notice"), episode=told.content.episode)
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
    await police.notice(wording=Wording("missing-update"), episode=one, refers_to=second.content.telling)
    for each in (one, other):
        await long_ago(police, each)
    await police.reply(open_list(one, *([other] if lists_both else [])), door="open-list")
    assert await differs(police, first) == []

    await police.notice(wording=Wording("returned-notice"), episode=one, refers_to=second.content.telling)
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
    assert (answer.status_code, answer.json()["title"]) == (status, "Not a list")
    assert answer.json()["errors"][0]["field"]


async def test_an_unsigned_list_is_refused(police: Police) -> None:
    answer = await police.http.post(f"/forces/{police.force}/open-list", json=open_list())
    assert answer.status_code == 401


async def test_a_list_that_does_not_come_is_said_once(police: Police) -> None:
    police.document["forces"][0]["sends_open_list"] = True
    await police.register()
    told, _ = await police.notice()
    await long_ago(police, told.content.episode)
    watch = OpenListMonitor(police.floor.store, police.floor.clocks)
    await watch.turn()
    await watch.turn()
    [said] = await police.said_since(told, ("police.list-differs",))
    assert said["data"]["difference"] == "no-list"


async def test_what_fails_with_one_force_holds_up_no_other(police: Police, monkeypatch: pytest.MonkeyPatch) -> None:
    police.document["forces"][0]["sends_open_list"] = True
    await police.register()
    told, _ = await police.notice()
    await long_ago(police, told.content.episode)
    theirs = store.list_times
    monkeypatch.setattr(
        monitor, "forces_that_send_lists", lambda _: Query("SELECT 1", {}, lambda _: ["broken", police.force])
    )
    broken: Any = Query("SELECT 1 / 0", {}, all_rows)
    monkeypatch.setattr(store, "list_times", lambda force: broken if force == "broken" else theirs(force))
    with pytest.raises(psycopg.errors.DivisionByZero):
        await OpenListMonitor(police.floor.store, police.floor.clocks).turn()
    [said] = await police.said_since(told, ("police.list-differs",))
    assert said["data"]["difference"] == "no-list"


async def test_a_list_that_comes_late_says_nothing_of_whom_the_force_was_told_since(police: Police) -> None:
    told, _ = await police.notice()
    await long_ago(police, told.content.episode, hours=2)
    late = open_list(ago=timedelta(hours=2, minutes=30))
    assert (await police.reply(late, door="open-list")).status_code == 202
    assert await police.said_since(told, ("police.list-differs",)) == []


async def test_what_was_just_told_when_a_late_list_was_drawn_up_is_no_difference(police: Police) -> None:
    told, _ = await police.notice()
    await long_ago(police, told.content.episode, hours=3)
    await police.reply(open_list(ago=timedelta(hours=2, minutes=30)), door="open-list")
    assert await police.said_since(told, ("police.list-differs",)) == []
    await police.reply(open_list(ago=timedelta(hours=1)), door="open-list")
    assert len(await police.said_since(told, ("police.list-differs",))) == 1


async def test_a_list_of_an_earlier_time_than_one_taken_is_taken_and_changes_nothing(police: Police) -> None:
    told, _ = await police.notice()
    await long_ago(police, told.content.episode)
    await police.reply(open_list(told.content.episode), door="open-list")
    before = await newest(police)
    stranger = uuid4()
    answer = await police.reply(open_list(stranger, ago=timedelta(hours=20)), door="open-list")
    assert (answer.status_code, answer.json()["not_told"]) == (202, [str(stranger)])
    assert await police.said_since(told, ("police.list-differs",)) == []
    assert await newest(police) == before


async def newest(police: Police) -> datetime | None:
    async with police.floor.store.read() as reader:
        drawn_up, _ = await reader.fetch(store.list_times(police.force))
        return drawn_up


@pytest.mark.parametrize(("ahead", "status"), [(timedelta(minutes=4), 202), (timedelta(hours=1), 422)])
async def test_a_list_of_the_future_is_refused_beyond_what_a_clock_may_be_ahead(
    police: Police, ahead: timedelta, status: int
) -> None:
    answer = await police.reply(open_list(ago=-ahead), door="open-list")
    assert answer.status_code == status
    drawn_up = await newest(police)
    if status == 202:
        assert drawn_up is not None
        assert drawn_up <= police.floor.clocks.story()
    else:
        assert drawn_up is None
        assert (answer.json()["field"], answer.json()["errors"][0]["field"]) == ("timestamp", "timestamp")
        assert "in the future" in answer.json()["detail"]


async def test_a_list_of_the_day_before_puts_off_no_call_about_a_day_without_one_and_makes_no_second(
    police: Police,
) -> None:
    police.document["forces"][0]["sends_open_list"] = True
    await police.register()
    told, _ = await police.notice()
    await long_ago(police, told.content.episode, hours=60)
    watch = OpenListMonitor(police.floor.store, police.floor.clocks)
    await police.reply(open_list(told.content.episode, ago=timedelta(hours=30)), door="open-list")
    await watch.turn()
    await police.reply(open_list(told.content.episode, ago=timedelta(hours=28)), door="open-list")
    await watch.turn()
    said = await police.said_since(told, ("police.list-differs",))
    assert [each["data"]["difference"] for each in said] == ["no-list"]
