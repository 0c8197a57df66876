"""Texts committed together: each is answered for itself, and one that cannot be written takes no other with it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from services.carers.text import Text
from services.platform.store.unit_of_work import GroupCommit

AT = datetime(2026, 11, 24, tzinfo=UTC)


def a_text(sid: str) -> Text:
    return Text(sid, "+447700900001", "MISSING", (), AT, AT)


class Database:
    """Takes a moment for each commit, and refuses what it is told to refuse."""

    def __init__(self, *, refuses: str = "", away: bool = False) -> None:
        self.groups: list[list[str]] = []
        self._refuses, self._away = refuses, away

    async def commit(self, texts: Sequence[Text]) -> None:
        await asyncio.sleep(0.01)
        if self._away:
            raise ConnectionRefusedError
        if any(text.sid == self._refuses for text in texts):
            raise ValueError(self._refuses)
        self.groups.append([text.sid for text in texts])


async def test_those_that_come_during_a_commit_go_together_into_the_next() -> None:
    database = Database()
    group = GroupCommit(database.commit, most=200)
    await asyncio.gather(*(group.put(a_text(str(number))) for number in range(5)))
    assert database.groups == [["0", "1", "2", "3", "4"]]
    first = asyncio.create_task(group.put(a_text("a")))
    await asyncio.sleep(0.005)
    await asyncio.gather(first, group.put(a_text("b")), group.put(a_text("c")))
    assert database.groups[1:] == [["a"], ["b", "c"]]


async def test_one_that_cannot_be_written_takes_no_other_with_it() -> None:
    database = Database(refuses="bad")
    group = GroupCommit(database.commit, most=200)
    answers = await asyncio.gather(*(group.put(a_text(sid)) for sid in ("1", "bad", "2")), return_exceptions=True)
    assert [type(answer) for answer in answers] == [type(None), ValueError, type(None)]
    assert database.groups == [["1"], ["2"]]


async def test_each_of_a_group_is_told_that_the_database_is_away() -> None:
    group = GroupCommit(Database(away=True).commit, most=200)
    answers = await asyncio.gather(*(group.put(a_text(sid)) for sid in "123"), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ConnectionRefusedError] * 3


async def test_a_caller_who_goes_away_leaves_the_others_their_answers() -> None:
    database = Database()
    group = GroupCommit(database.commit, most=200)
    gone = asyncio.create_task(group.put(a_text("gone")))
    stays = asyncio.create_task(group.put(a_text("stays")))
    await asyncio.sleep(0)
    gone.cancel()
    await stays
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert database.groups == [["gone", "stays"]]


async def test_whoever_waits_when_it_is_closed_is_let_go_and_nothing_is_written_any_more() -> None:
    database = Database()
    group = GroupCommit(database.commit, most=1)
    under_way, behind = (asyncio.create_task(group.put(a_text(sid))) for sid in "12")
    await asyncio.sleep(0.005)
    await group.close()
    late = asyncio.create_task(group.put(a_text("3")))
    _, left = await asyncio.wait([under_way, behind, late], timeout=15)
    assert not left
    assert under_way.cancelled()
    assert behind.cancelled()
    assert late.cancelled()
    assert database.groups == []


async def test_closed_before_its_first_commit_began_it_lets_go_too() -> None:
    group = GroupCommit(Database().commit, most=200)
    waiting = asyncio.create_task(group.put(a_text("1")))
    await asyncio.sleep(0)
    await group.close()
    await asyncio.wait([waiting], timeout=15)
    assert waiting.cancelled()


async def test_the_first_of_a_group_waits_for_others() -> None:
    database = Database()
    group = GroupCommit(database.commit, most=200, gather_seconds=0.5)
    first = asyncio.create_task(group.put(a_text("1")))
    await asyncio.sleep(0.02)
    await asyncio.gather(first, group.put(a_text("2")))
    assert database.groups == [["1", "2"]]


@pytest.mark.parametrize("how", ["one that hurries", "somebody who hurries", "a full group"])
async def test_nobody_waits_for_others_any_longer_once_there_is_reason_not_to(how: str) -> None:
    database = Database()
    group = GroupCommit(database.commit, most=2 if how == "a full group" else 200, gather_seconds=60)
    first = asyncio.create_task(group.put(a_text("1")))
    await asyncio.sleep(0)
    second = asyncio.create_task(group.put(a_text("2"), hurries=how == "one that hurries"))
    await asyncio.sleep(0)
    if how == "somebody who hurries":
        group.hurry()
    async with asyncio.timeout(30):
        await asyncio.gather(first, second)
    assert database.groups == [["1", "2"]]


async def test_those_after_a_hurried_group_wait_again() -> None:
    database = Database()
    group = GroupCommit(database.commit, most=200, gather_seconds=0.5)
    group.hurry()
    await group.put(a_text("1"), hurries=True)
    second = asyncio.create_task(group.put(a_text("2")))
    await asyncio.sleep(0.02)
    await asyncio.gather(second, group.put(a_text("3")))
    assert database.groups == [["1"], ["2", "3"]]


async def test_a_group_is_no_larger_than_it_may_be() -> None:
    database = Database()
    group = GroupCommit(database.commit, most=2)
    await asyncio.gather(*(group.put(a_text(sid)) for sid in "12345"))
    assert database.groups == [["1", "2"], ["3", "4"], ["5"]]
