"""Answers by mail that must not simply be believed, and those that lead to the next person, on a real PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from services.safeguarding.discussion_events import StrategyDiscussionRedated
from services.store.encryption import Keyring
from tests.support.database import Database
from tests.support.strategy import HEALTH, Strategy, from_convenor, running_strategy

LATER = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)


@pytest.fixture
async def strategy(database: Database, keyring: Keyring) -> AsyncIterator[Strategy]:
    async with running_strategy(database, keyring) as running:
        await running.invite(HEALTH, episode=uuid4())
        yield running


async def stands(strategy: Strategy) -> tuple[int, int, int]:
    """How many have acknowledged, have failed, and wait for a person to read them."""
    kinds = ("duty.acknowledged.v1", "duty.failed.v1", "text.needs-human.v1")
    acknowledged, failed, read = [len(await strategy.said(kind)) for kind in kinds]
    return acknowledged, failed, read


async def test_an_answer_in_another_s_name_is_for_a_person(strategy: Strategy) -> None:
    mailbox = strategy.address(HEALTH)
    await strategy.accept(HEALTH, strategy.newest(HEALTH), **{f"From: {mailbox}": "From: somebody@elsewhere.example"})
    assert await stands(strategy) == (0, 0, 1)


async def test_an_answer_that_the_relay_marks_as_forged_is_for_a_person(strategy: Strategy) -> None:
    marked = "Authentication-Results: relay.kestrel.example; dmarc=fail\nFrom:"
    await strategy.accept(HEALTH, strategy.newest(HEALTH), **{"From:": marked})
    assert await stands(strategy) == (0, 0, 1)
    [needs] = await strategy.said("text.needs-human.v1")
    assert needs.get("said_by") is None


async def test_an_answer_to_a_date_that_never_was_is_for_a_person(strategy: Strategy) -> None:
    await strategy.accept(HEALTH, strategy.newest(HEALTH), **{"SEQUENCE:0": "SEQUENCE:7"})
    assert await stands(strategy) == (0, 0, 1)


async def test_somebody_who_sends_another_is_followed_by_the_next_and_a_person_hears_who(strategy: Strategy) -> None:
    delegated = 'PARTSTAT=DELEGATED;DELEGATED-TO="mailto:jane@elsewhere.example"'
    await strategy.accept(HEALTH, strategy.newest(HEALTH), **{"PARTSTAT=ACCEPTED": delegated})
    assert await stands(strategy) == (0, 1, 1)


async def test_a_note_with_an_answer_reaches_a_person_and_the_answer_counts(strategy: Strategy) -> None:
    await strategy.accept(HEALTH, strategy.newest(HEALTH), **{"BEGIN:VEVENT": "BEGIN:VEVENT\nCOMMENT:Ten minutes late"})
    assert await stands(strategy) == (1, 0, 1)


async def test_an_answer_without_a_sequence_is_to_the_date_that_it_names(strategy: Strategy) -> None:
    before = strategy.newest(HEALTH)
    await strategy.hear(from_convenor(strategy, StrategyDiscussionRedated, starts_at=LATER))
    await strategy.sent(2)
    await strategy.accept(HEALTH, before, **{"SEQUENCE:0\n": ""})
    assert await stands(strategy) == (0, 0, 0)
    await strategy.accept(HEALTH, strategy.newest(HEALTH), **{"SEQUENCE:1\n": ""})
    assert await stands(strategy) == (1, 0, 0)


async def test_who_is_away_is_followed_by_the_next_person_once_and_may_still_come(strategy: Strategy) -> None:
    for _ in range(2):
        await strategy.post(automatic(strategy, "I am on annual leave until Monday."))
    [failed] = await strategy.said("duty.failed.v1")
    assert (failed["reason"], failed["person"]) == ("away", strategy.ids["night"])
    await strategy.accept(HEALTH, strategy.newest(HEALTH))
    assert (await strategy.said("strategy-discussion.changed.v1"))[-1]["coming"] == [HEALTH]


async def test_a_shared_mailbox_s_receipt_changes_nothing(strategy: Strategy) -> None:
    await strategy.post(automatic(strategy, "Thank you. Your message has been received."))
    assert await stands(strategy) == (0, 0, 0)


async def test_an_absence_after_the_answer_changes_nothing(strategy: Strategy) -> None:
    await strategy.accept(HEALTH, strategy.newest(HEALTH))
    await strategy.post(automatic(strategy, "I am out of the office."))
    assert await stands(strategy) == (1, 0, 0)


async def test_words_from_an_invited_mailbox_reach_a_person_though_they_name_no_invitation(strategy: Strategy) -> None:
    latest = LATER + timedelta(days=500)
    await strategy.hear(from_convenor(strategy, StrategyDiscussionRedated, starts_at=latest))
    await strategy.post(f"From: {strategy.address(HEALTH)}\r\nSubject: winmail\r\n\r\nsee attached".encode())
    assert await stands(strategy) == (0, 0, 1)


async def test_words_from_anybody_else_reach_nobody(strategy: Strategy) -> None:
    await strategy.post(b"From: spam@elsewhere.example\r\nSubject: win\r\n\r\na prize")
    assert await stands(strategy) == (0, 0, 0)


def automatic(strategy: Strategy, said: str) -> bytes:
    answered = strategy.newest(HEALTH)["Message-ID"]
    head = f"From: {strategy.address(HEALTH)}\r\nIn-Reply-To: {answered}\r\nAuto-Submitted: auto-replied\r\n"
    return f"{head}Subject: Automatic reply\r\n\r\n{said}".encode()
