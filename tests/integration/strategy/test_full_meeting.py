"""The full meeting after an urgent discussion, on a real PostgreSQL: an entry of its own in every calendar, moved and called off by itself."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.platform.store.encryption import Keyring
from services.safeguarding.child_events.discussion_events import (
    StrategyDiscussionCancelled,
    StrategyDiscussionHeld,
    StrategyDiscussionRedated,
)
from services.safeguarding.duty.decisions import EpisodeChanged, EpisodeState
from services.safeguarding.roles import Role, Wording
from services.strategy.discussions.service import DiscussionWatch
from tests.support.engines.database import Database
from tests.support.histories.meetings import IN_FULL
from tests.support.in_process.strategy import (
    HEALTH,
    POLICE,
    SOCIAL,
    Strategy,
    event_of,
    from_convenor,
    running_strategy,
)

URGENT = datetime(2026, 11, 24, 13, tzinfo=UTC)
FRIDAY = datetime(2026, 11, 27, 10, tzinfo=UTC)
MONDAY = datetime(2026, 11, 30, 14, tzinfo=UTC)
FULL = {"wording": Wording("full-meeting")}


@pytest.fixture
async def strategy(database: Database, keyring: Keyring) -> AsyncIterator[Strategy]:
    async with running_strategy(database, keyring) as running:
        yield running


async def held(strategy: Strategy) -> UUID:
    """Three were invited to the urgent discussion, which has been held."""
    episode = uuid4()
    await strategy.invite(POLICE, SOCIAL, HEALTH, episode=episode)
    strategy.floor.clocks.now = URGENT + timedelta(hours=1)  # type: ignore[attr-defined]
    await strategy.hear(from_convenor(strategy, StrategyDiscussionHeld, form="urgent", section_47="no-enquiry"))
    await strategy.sent(6)
    return episode


async def invited_in_full(strategy: Strategy, *roles: Role, **about: Any) -> UUID:
    episode = await held(strategy)
    for role in roles or (POLICE, SOCIAL, HEALTH):
        await strategy.hear(strategy.invitation(role, episode=episode, **(FULL | about)))
    await strategy.sent(6 + (len(roles) or 3))
    return episode


def changed(strategy: Strategy, episode: UUID, state: EpisodeState) -> Any:
    content = {"episode": episode, "revision": 2, "state": state, "opened_at": URGENT, "protocol": "x"}
    return from_convenor(strategy, EpisodeChanged, **content)


async def states(strategy: Strategy) -> list[tuple[int, str, str]]:
    """Number, form and state as each discussion was last said to stand."""
    said = await strategy.said("strategy-discussion.changed.v1")
    return sorted({each["discussion"]: (each["discussion"], each.get("form", "urgent"), each["state"]) for each in said}.values())  # fmt: skip


async def test_it_has_an_entry_of_its_own_on_the_third_working_day(strategy: Strategy) -> None:
    await strategy.invite(POLICE, episode=(episode := uuid4()))
    urgent = event_of(strategy.newest(POLICE))
    strategy.floor.clocks.now = URGENT + timedelta(hours=1)  # type: ignore[attr-defined]
    await strategy.hear(from_convenor(strategy, StrategyDiscussionHeld, form="urgent", section_47="no-enquiry"))
    await strategy.sent(2)
    for role in (POLICE, SOCIAL, HEALTH):
        await strategy.hear(strategy.invitation(role, episode=episode, **FULL))
    await strategy.sent(5)
    mail = strategy.newest(POLICE)
    events = [event_of(strategy.newest(role)) for role in (POLICE, SOCIAL, HEALTH)]
    assert {str(each["UID"]) for each in events} - {str(urgent["UID"])} == {str(events[0]["UID"])}
    assert [int(each["SEQUENCE"]) for each in events] == [0, 0, 0]
    assert [each.decoded("DTSTART") for each in events] == [FRIDAY] * 3
    assert events[0].decoded("DTEND") == FRIDAY + timedelta(minutes=90)
    assert "Full strategy meeting Friday 27 November at 10:00" in mail["Subject"]
    assert "90 minutes" in next(mail.iter_parts()).get_content()
    assert await states(strategy) == [(1, "urgent", "held"), (2, "full", "planned")]


async def test_it_is_moved_and_called_off_under_its_own_uid_without_a_number(strategy: Strategy) -> None:
    await invited_in_full(strategy)
    first = event_of(strategy.newest(POLICE))
    await strategy.hear(from_convenor(strategy, StrategyDiscussionRedated, starts_at=MONDAY))
    await strategy.sent(12)
    moved = event_of(strategy.newest(POLICE))
    assert (str(moved["UID"]), int(moved["SEQUENCE"]), moved.decoded("DTSTART")) == (str(first["UID"]), 1, MONDAY)
    assert moved.decoded("DTEND") == MONDAY + timedelta(minutes=90)
    await strategy.hear(from_convenor(strategy, StrategyDiscussionCancelled))
    await strategy.sent(15)
    off = event_of(strategy.newest(POLICE))
    assert (str(off["UID"]), int(off["SEQUENCE"]), str(off["STATUS"])) == (str(first["UID"]), 2, "CANCELLED")
    assert await states(strategy) == [(1, "urgent", "held"), (2, "full", "cancelled")]


async def test_an_urgent_one_that_is_called_off_leaves_it_as_it_is(strategy: Strategy) -> None:
    await invited_in_full(strategy)
    await strategy.hear(from_convenor(strategy, StrategyDiscussionCancelled, form="urgent"))
    assert await states(strategy) == [(1, "urgent", "held"), (2, "full", "planned")]
    await strategy.hear(from_convenor(strategy, StrategyDiscussionCancelled, form="full"))
    assert await states(strategy) == [(1, "urgent", "held"), (2, "full", "cancelled")]


@pytest.mark.parametrize("state", [EpisodeState.RETURNED, EpisodeState.CLOSED])
async def test_it_goes_on_for_a_child_who_is_back(strategy: Strategy, state: EpisodeState) -> None:
    episode = await invited_in_full(strategy, POLICE)
    await strategy.hear(changed(strategy, episode, state))
    assert await states(strategy) == [(1, "urgent", "held"), (2, "full", "planned")]


async def test_an_authority_s_rule_may_call_it_off_for_a_child_who_is_back(strategy: Strategy) -> None:
    meets = IN_FULL.model_copy(update={"unless": ("returned", "retracted")})
    episode = await invited_in_full(strategy, POLICE, meets=meets)
    await strategy.hear(changed(strategy, episode, EpisodeState.RETURNED))
    await strategy.sent(8)
    assert str(event_of(strategy.newest(POLICE))["STATUS"]) == "CANCELLED"


async def test_a_report_that_was_a_mistake_calls_it_off(strategy: Strategy) -> None:
    episode = await invited_in_full(strategy, POLICE)
    await strategy.hear(changed(strategy, episode, EpisodeState.RETRACTED))
    await strategy.sent(8)
    assert str(event_of(strategy.newest(POLICE))["STATUS"]) == "CANCELLED"
    assert await states(strategy) == [(1, "urgent", "held"), (2, "full", "cancelled")]


async def test_invitations_that_overtake_the_record_are_not_to_the_urgent_discussion(strategy: Strategy) -> None:
    episode = uuid4()
    await strategy.invite(POLICE, episode=episode)
    urgent = event_of(strategy.newest(POLICE))
    strategy.floor.clocks.now = URGENT + timedelta(hours=1)  # type: ignore[attr-defined]
    await strategy.hear(strategy.invitation(POLICE, episode=episode, **FULL))
    await strategy.sent(2)
    assert str(event_of(strategy.newest(POLICE))["UID"]) != str(urgent["UID"])
    await strategy.hear(from_convenor(strategy, StrategyDiscussionHeld, form="urgent", section_47="no-enquiry"))
    assert await states(strategy) == [(1, "urgent", "held"), (2, "full", "planned")]


async def test_invitations_heard_by_two_processes_at_once_are_to_one_meeting(strategy: Strategy) -> None:
    episode = await held(strategy)
    told = [strategy.invitation(role, episode=episode, **FULL) for role in (POLICE, SOCIAL, HEALTH)]
    await asyncio.gather(*(strategy.hear(each) for each in told))
    await strategy.sent(9)
    assert len({str(event_of(strategy.newest(role))["UID"]) for role in (POLICE, SOCIAL, HEALTH)}) == 1
    assert await states(strategy) == [(1, "urgent", "held"), (2, "full", "planned")]


async def test_a_record_without_a_number_is_of_the_meeting_of_its_form(strategy: Strategy) -> None:
    await invited_in_full(strategy, POLICE)
    plan = [{"owner": HEALTH, "due_on": "2026-12-04"}]
    about: dict[str, Any] = {"form": "full", "section_47": "no-enquiry", "plan": plan}
    await strategy.hear(from_convenor(strategy, StrategyDiscussionHeld, **about))
    assert await states(strategy) == [(1, "urgent", "held"), (2, "full", "held")]
    [step] = await strategy.said("plan-step.set.v1")
    assert step["discussion"] == 2


async def test_whoever_convenes_hears_of_a_lacking_quorum_a_day_before_and_is_asked_for_the_record_after(
    strategy: Strategy,
) -> None:
    await invited_in_full(strategy)
    await strategy.accept(POLICE, strategy.newest(POLICE))
    clocks: Any = strategy.floor.clocks
    watch = DiscussionWatch(strategy.floor.store, clocks, strategy.discussing)
    clocks.now = FRIDAY - timedelta(hours=25)
    await watch._turn()
    assert await strategy.said("strategy.without-quorum.v1") == []
    clocks.now = FRIDAY - timedelta(hours=24)
    await watch._turn()
    [warning] = await strategy.said("strategy.without-quorum.v1")
    assert (warning["discussion"], warning["lacking"]) == (2, ["health", "social-care"])
    clocks.now = FRIDAY + timedelta(minutes=89)
    await watch._turn()
    assert await strategy.said("strategy.record-due.v1") == []
    clocks.now = FRIDAY + timedelta(minutes=90)
    await watch._turn()
    [due] = await strategy.said("strategy.record-due.v1")
    assert due["discussion"] == 2


async def test_its_record_page_takes_it_for_a_full_meeting_and_says_on_which_day_it_was(strategy: Strategy) -> None:
    episode = await invited_in_full(strategy, POLICE)
    clocks: Any = strategy.floor.clocks
    clocks.now = FRIDAY + timedelta(days=3)
    watch = DiscussionWatch(strategy.floor.store, clocks, strategy.discussing)
    await watch._turn()
    await strategy.hear(strategy.invitation(SOCIAL, episode=episode, wording=Wording("strategy-record")))
    await strategy.sent(8)
    link = next(strategy.newest(SOCIAL).iter_parts()).get_content().split("http://strategy.example")[1].split()[0]
    shown = await strategy.web.get(link)
    assert 'value="full" checked' in shown.text
    await strategy.web.post(link, data={"form": "full", "section_47": "enquiry", "said": "Decided.", "answer": "save"})
    [recorded] = await strategy.said("strategy-discussion.held.v1")
    assert (recorded["discussion"], recorded["held_on"], recorded["form"]) == (2, "2026-11-27", "full")


async def test_the_page_says_that_it_is_the_full_meeting(strategy: Strategy) -> None:
    await invited_in_full(strategy, POLICE)
    link = next(strategy.newest(POLICE).iter_parts()).get_content().split("http://strategy.example")[1].split()[0]
    shown = await strategy.web.get(link)
    assert "Full strategy meeting, Friday 27 November at 10:00." in shown.text
