"""Who comes, role by role, and what whoever convenes hears of it: reached, lost, lacking after a new date, another time proposed."""

import asyncio
from collections.abc import AsyncIterator
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.platform.store.encryption import Keyring
from services.safeguarding.child_events.discussion_events import StrategyDiscussionCancelled, StrategyDiscussionRedated
from services.strategy.discussions import service
from services.strategy.discussions.service import DiscussionWatch
from tests.support.engines.database import Database
from tests.support.in_process.strategy import (
    HEALTH,
    POLICE,
    SOCIAL,
    Strategy,
    event_of,
    from_convenor,
    running_strategy,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NEXT_DAY = datetime(2026, 11, 25, 15, 30, tzinfo=UTC)
EVERYONE = (POLICE, SOCIAL, HEALTH)


@pytest.fixture
async def strategy(database: Database, keyring: Keyring) -> AsyncIterator[Strategy]:
    async with running_strategy(database, keyring) as running:
        await running.invite(*EVERYONE, episode=uuid4())
        yield running


async def all_accept(strategy: Strategy) -> None:
    for role in EVERYONE:
        await strategy.accept(role, strategy.newest(role))


async def look(strategy: Strategy, at: datetime) -> None:
    strategy.floor.clocks.now = at  # type: ignore[attr-defined]
    await DiscussionWatch(strategy.floor.store, strategy.floor.clocks, strategy.discussing)._turn()


async def lacking(strategy: Strategy) -> list[list[str]]:
    return [each["lacking"] for each in await strategy.said("strategy.without-quorum.v1")]


async def test_how_it_stands_is_said_role_by_role_with_each_answer(strategy: Strategy) -> None:
    await strategy.accept(POLICE, strategy.newest(POLICE))
    await strategy.accept(SOCIAL, strategy.newest(SOCIAL), ACCEPTED="DECLINED")
    said = (await strategy.said("strategy-discussion.changed.v1"))[-1]
    assert (said["coming"], said["declined"], said["waited_for"]) == ([POLICE], [SOCIAL], [HEALTH])


async def test_whoever_convenes_hears_once_that_the_quorum_is_reached(strategy: Strategy) -> None:
    await strategy.accept(POLICE, strategy.newest(POLICE))
    await strategy.accept(SOCIAL, strategy.newest(SOCIAL))
    assert await strategy.said("strategy.quorum-reached.v1") == []
    for _ in range(2):
        await strategy.accept(HEALTH, strategy.newest(HEALTH))
    [reached] = await strategy.said("strategy.quorum-reached.v1")
    assert reached["discussion"] == 1


async def test_it_is_reached_anew_for_a_new_date(strategy: Strategy) -> None:
    await all_accept(strategy)
    await strategy.hear(from_convenor(strategy, StrategyDiscussionRedated, starts_at=NEXT_DAY))
    await strategy.sent(6)
    assert (await strategy.said("strategy-discussion.changed.v1"))[-1]["quorum"] == "not-reached"
    await all_accept(strategy)
    assert len(await strategy.said("strategy.quorum-reached.v1")) == 2


async def test_who_withdraws_at_the_last_moment_is_said_at_once(strategy: Strategy) -> None:
    await all_accept(strategy)
    await strategy.accept(HEALTH, strategy.newest(HEALTH), ACCEPTED="DECLINED")
    assert await lacking(strategy) == [], "the next person is asked, and there is time"
    await strategy.accept(HEALTH, strategy.newest(HEALTH))
    await look(strategy, NOON + timedelta(minutes=50))
    assert await lacking(strategy) == []
    await strategy.accept(HEALTH, strategy.newest(HEALTH), ACCEPTED="DECLINED")
    assert await lacking(strategy) == [["health"]]


async def test_a_while_after_a_new_date_whoever_convenes_hears_who_has_not_said_again_that_they_come(
    strategy: Strategy,
) -> None:
    await all_accept(strategy)
    await strategy.hear(from_convenor(strategy, StrategyDiscussionRedated, starts_at=NEXT_DAY))
    await strategy.sent(6)
    await strategy.accept(POLICE, strategy.newest(POLICE))
    await look(strategy, NOON + timedelta(minutes=19))
    assert await lacking(strategy) == []
    await look(strategy, NOON + timedelta(minutes=20))
    await look(strategy, NOON + timedelta(minutes=21))
    assert await lacking(strategy) == [["health", "social-care"]]
    await look(strategy, NEXT_DAY - timedelta(minutes=15))
    assert len(await lacking(strategy)) == 2, "and again before it begins"


async def test_a_new_date_that_is_near_is_looked_at_once(strategy: Strategy) -> None:
    await strategy.hear(from_convenor(strategy, StrategyDiscussionRedated, starts_at=NOON + timedelta(minutes=30)))
    await strategy.sent(6)
    for minutes in (16, 20, 25):
        await look(strategy, NOON + timedelta(minutes=minutes))
    assert len(await lacking(strategy)) == 1


async def test_a_counter_proposal_that_is_taken_up_is_the_new_date_and_its_sender_accepts_it(
    strategy: Strategy,
) -> None:
    asked = strategy.newest(HEALTH)
    start = event_of(asked)["DTSTART"].to_ical().decode()
    changes = {"METHOD:REPLY": "METHOD:COUNTER", f"DTSTART:{start}": f"DTSTART:{NEXT_DAY:%Y%m%dT%H%M%SZ}"}
    await strategy.accept(HEALTH, asked, **changes)
    [proposed] = await strategy.said("strategy.counter-proposed.v1")
    assert (proposed["role"], datetime.fromisoformat(proposed["starts_at"])) == (HEALTH, NEXT_DAY)
    assert await strategy.said("duty.acknowledged.v1") == []
    await strategy.hear(from_convenor(strategy, StrategyDiscussionRedated, starts_at=NEXT_DAY))
    await strategy.sent(6)
    moved = strategy.newest(HEALTH)
    assert (event_of(moved).decoded("DTSTART"), int(event_of(moved)["SEQUENCE"])) == (NEXT_DAY, 1)
    await strategy.accept(HEALTH, moved)
    assert (await strategy.said("strategy-discussion.changed.v1"))[-1]["coming"] == [HEALTH]


async def test_whoever_was_sent_instead_takes_no_seat_until_a_person_has_looked(strategy: Strategy) -> None:
    asked, mine = strategy.newest(HEALTH), strategy.address(HEALTH)
    sent: dict[str, str] = {"PARTSTAT=ACCEPTED": 'PARTSTAT=DELEGATED;DELEGATED-TO="mailto:jane@elsewhere.example"'}
    await strategy.accept(HEALTH, asked, **sent)
    came: dict[str, Any] = {
        f"From: {mine}": "From: jane@elsewhere.example",
        f"mailto:{mine}": "mailto:jane@elsewhere.example",
        "PARTSTAT=ACCEPTED": f'PARTSTAT=ACCEPTED;DELEGATED-FROM="mailto:{mine}"',
    }
    await strategy.accept(HEALTH, asked, **came)
    assert [each["reason"] for each in await strategy.said("duty.failed.v1")] == ["declined"]
    assert len(await strategy.said("text.needs-human.v1")) == 2
    stands = (await strategy.said("strategy-discussion.changed.v1"))[-1]
    assert (stands.get("coming", []), stands["declined"], stands["quorum"]) == ([], [HEALTH], "not-reached")


async def test_a_discussion_that_is_planned_too_late_for_its_warning_is_warned_of_at_once(
    strategy: Strategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the watch looks seldom: planning wakes it."""
    monkeypatch.setattr(service, "EVERY_SECONDS", 600)
    later = copy(strategy.floor.clocks)
    later.now = later.now + timedelta(hours=6)  # type: ignore[attr-defined]
    watch = DiscussionWatch(strategy.floor.store, later, strategy.discussing)
    while await watch._turn():
        pass
    before = len(await lacking(strategy))
    await watch.loop.start()
    await asyncio.sleep(0.5)
    await strategy.invite(POLICE, episode=uuid4())
    async with asyncio.timeout(15):
        while len(await lacking(strategy)) == before:  # noqa: ASYNC110 the watch brings it about
            await asyncio.sleep(0.05)
    await watch.loop.stop()


async def another_at_the_same_time(strategy: Strategy, **about: Any) -> None:
    """A second absence is discussed at the same minute, and everybody is invited to that as well, a minute later."""
    strategy.floor.clocks.now += timedelta(minutes=1)  # type: ignore[attr-defined]
    before = len(strategy.medium.sent)
    for told in [strategy.invitation(role, episode=about["episode"]) for role in EVERYONE]:
        await strategy.hear(told)
    await strategy.sent(before + len(EVERYONE))


async def test_who_has_accepted_several_discussions_at_one_minute_counts_in_the_first_alone(strategy: Strategy) -> None:
    await all_accept(strategy)
    await another_at_the_same_time(strategy, episode=uuid4())
    for role in (POLICE, SOCIAL):
        await strategy.accept(role, strategy.newest(role), ACCEPTED="DECLINED")
    await strategy.accept(HEALTH, strategy.newest(HEALTH))
    [reached] = await strategy.said("strategy.quorum-reached.v1")
    assert reached["seats"] == ["police", "health", "social-care"], "the first stands"
    [warned] = await strategy.said("strategy.without-quorum.v1")
    assert (warned["doubled"], "health" in warned["lacking"]) == (["health"], True)
    assert warned["episode"] != reached["episode"]
    await strategy.accept(HEALTH, strategy.newest(HEALTH))
    assert len(await strategy.said("strategy.without-quorum.v1")) == 1, "said once"


async def test_all_of_a_second_discussion_are_expected_elsewhere_until_the_first_is_called_off(
    strategy: Strategy,
) -> None:
    await all_accept(strategy)
    await another_at_the_same_time(strategy, episode=uuid4())
    second = {role: strategy.newest(role) for role in EVERYONE}
    for role in EVERYONE:
        await strategy.accept(role, second[role])
    assert len(await strategy.said("strategy.quorum-reached.v1")) == 1
    assert [each["doubled"] for each in await strategy.said("strategy.without-quorum.v1")] == [
        ["police"], ["police", "social-care"], ["police", "health", "social-care"],
    ]  # fmt: skip
    await strategy.hear(from_convenor(strategy, StrategyDiscussionCancelled, discussion=1))
    await look(strategy, NOON + timedelta(minutes=46))
    assert len(await lacking(strategy)) == 3, "it has its quorum by then"


async def test_a_discussion_that_begins_when_the_other_is_over_has_all_its_seats(strategy: Strategy) -> None:
    await all_accept(strategy)
    await strategy.hear(from_convenor(strategy, StrategyDiscussionRedated, starts_at=NEXT_DAY))
    await strategy.sent(6)
    await all_accept(strategy)
    before = len(strategy.medium.sent)
    await another_at_the_same_time(strategy, episode=uuid4())
    assert len(strategy.medium.sent) > before
    for role in EVERYONE:
        await strategy.accept(role, strategy.newest(role))
    assert len(await strategy.said("strategy.quorum-reached.v1")) == 3
    assert await lacking(strategy) == []
