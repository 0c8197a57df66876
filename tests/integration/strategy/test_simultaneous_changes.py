"""Whoever has waited for a discussion finds what became of it meanwhile, not what it was."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import pytest

from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, scalar
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.discussion_events import (
    StrategyDiscussionCancelled,
    StrategyDiscussionHeld,
    StrategyDiscussionRedated,
)
from services.safeguarding.roles import Role, Wording
from services.strategy.discussions import repository as discussions
from services.strategy.discussions.repository import Discussion
from tests.integration.strategy.test_records import over
from tests.support.engines.database import Database
from tests.support.in_process.delivery import WAITS
from tests.support.in_process.strategy import HEALTH, POLICE, SOCIAL, Strategy, from_convenor, running_strategy

LATER = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
Act: TypeAlias = Callable[[Strategy, UnitOfWork, Discussion], Awaitable[Any]]


@pytest.fixture
async def strategy(database: Database, keyring: Keyring) -> AsyncIterator[Strategy]:
    async with running_strategy(database, keyring) as running:
        yield running


async def it_is_recorded(strategy: Strategy, uow: UnitOfWork, found: Discussion) -> None:
    await strategy.discussing.mark_held(uow, found)


async def it_is_called_off(strategy: Strategy, uow: UnitOfWork, found: Discussion) -> None:
    await strategy.discussing.call_off(uow, found)


def redated(strategy: Strategy) -> Any:
    return from_convenor(strategy, StrategyDiscussionRedated, starts_at=LATER)


def called_off(strategy: Strategy) -> Any:
    return from_convenor(strategy, StrategyDiscussionCancelled)


async def hear_after(strategy: Strategy, told: Any, act: Act, episode: UUID) -> None:
    """`told` comes while another transaction does this to the discussion."""
    async with strategy.floor.store.transaction() as uow:
        [found] = await uow.fetch(discussions.planned_discussions(episode))
        hears = asyncio.create_task(strategy.hear(told))
        async with asyncio.timeout(60):
            while not await uow.fetch(Query(WAITS, {}, scalar)):
                assert not hears.done(), "it waits for no discussion"
                await asyncio.sleep(0.01)
        await act(strategy, uow, found)
    await hears


async def changes(strategy: Strategy) -> list[tuple[int, str, int]]:
    """The number, state and sequence of each that was said."""
    said = await strategy.said("strategy-discussion.changed.v1")
    return [(each["discussion"], each["state"], each.get("sequence", 0)) for each in said]


@pytest.mark.parametrize(
    ("told", "act", "state", "sequence"),
    [
        (redated, it_is_recorded, "held", 0),
        (redated, it_is_called_off, "cancelled", 1),
        (called_off, it_is_recorded, "held", 0),
        (called_off, it_is_called_off, "cancelled", 1),
    ],
)
async def test_what_ended_meanwhile_is_not_changed_again(
    strategy: Strategy, told: Callable[[Strategy], Any], act: Act, state: str, sequence: int
) -> None:
    episode = uuid4()
    await strategy.invite(POLICE, HEALTH, episode=episode)
    await hear_after(strategy, told(strategy), act, episode)
    assert await changes(strategy) == [(1, "planned", 0), (1, state, sequence)]
    assert len(await strategy.sent(4)) == 4, "each is told once"


@pytest.mark.parametrize("act", [it_is_recorded, it_is_called_off])
async def test_an_invitation_to_what_ended_meanwhile_is_to_the_next(strategy: Strategy, act: Act) -> None:
    episode = uuid4()
    await strategy.invite(POLICE, episode=episode)
    await hear_after(strategy, strategy.invitation(HEALTH, episode=episode), act, episode)
    assert (await changes(strategy))[-1] == (2, "planned", 0)
    await strategy.sent(3)
    assert strategy.address(HEALTH) in {each.recipient for each in strategy.medium.sent}


async def test_nobody_is_asked_for_a_record_that_came_meanwhile(strategy: Strategy) -> None:
    episode = uuid4()
    await strategy.invite(SOCIAL, episode=episode)
    await over(strategy)
    asks = strategy.invitation(Role.CHILD_SOCIAL_WORKER, episode=episode, wording=Wording("strategy-record"))
    await hear_after(strategy, asks, it_is_recorded, episode)
    assert len(await strategy.sent(2)) == 2, "the invitation, and the link to the record"


async def test_an_agency_s_record_of_what_was_called_off_meanwhile_leaves_it_called_off(strategy: Strategy) -> None:
    episode = uuid4()
    await strategy.invite(POLICE, episode=episode)
    about = {"words": (), "channel": "agency", "form": "urgent", "section_47": "enquiry", "held_on": LATER.date()}
    held = from_convenor(strategy, StrategyDiscussionHeld, **about)
    await hear_after(strategy, held, it_is_called_off, episode)
    assert (await changes(strategy))[-1] == (1, "cancelled", 1)
