"""Answers by mail that must not simply be believed, and those that lead to the next person, on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email import message_from_string
from email.message import EmailMessage
from email.policy import default as modern
from typing import Any
from uuid import uuid4

import pytest

from services.platform.delivery.channels.channel import SendRequest
from services.platform.store.encryption import Keyring
from services.safeguarding.child_events.discussion_events import StrategyDiscussionCancelled, StrategyDiscussionRedated
from services.safeguarding.roles import Role
from tests.support.engines.database import Database
from tests.support.in_process.strategy import HEALTH, POLICE, Strategy, event_of, from_convenor, running_strategy

LATER = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)


@pytest.fixture
async def strategy(database: Database, keyring: Keyring) -> AsyncIterator[Strategy]:
    async with running_strategy(database, keyring) as running:
        await running.invite(HEALTH, episode=uuid4())
        yield running


async def test_an_answer_in_another_s_name_is_for_a_person(strategy: Strategy) -> None:
    mailbox = strategy.address(HEALTH)
    await strategy.accept(HEALTH, strategy.newest(HEALTH), **{f"From: {mailbox}": "From: somebody@elsewhere.example"})
    assert await strategy.stands() == (0, 0, 1)


async def test_an_answer_to_a_date_that_never_was_is_for_a_person(strategy: Strategy) -> None:
    await strategy.accept(HEALTH, strategy.newest(HEALTH), **{"SEQUENCE:0": "SEQUENCE:7"})
    assert await strategy.stands() == (0, 0, 1)
    await strategy.accept(HEALTH, strategy.newest(HEALTH), **{"SEQUENCE:0\n": "", "DTSTART:2026": "DTSTART:2027"})
    assert await strategy.stands() == (0, 0, 2)


async def test_somebody_who_sends_another_is_followed_by_the_next_and_a_person_hears_who(strategy: Strategy) -> None:
    delegated = 'PARTSTAT=DELEGATED;DELEGATED-TO="mailto:jane@elsewhere.example"'
    await strategy.accept(HEALTH, strategy.newest(HEALTH), **{"PARTSTAT=ACCEPTED": delegated})
    assert await strategy.stands() == (0, 1, 1)


async def test_a_note_with_an_answer_reaches_a_person_and_the_answer_counts(strategy: Strategy) -> None:
    await strategy.accept(HEALTH, strategy.newest(HEALTH), **{"BEGIN:VEVENT": "BEGIN:VEVENT\nCOMMENT:Ten minutes late"})
    assert await strategy.stands() == (1, 0, 1)


async def test_an_answer_without_a_sequence_is_to_the_date_that_it_names(strategy: Strategy) -> None:
    before = strategy.newest(HEALTH)
    await strategy.hear(from_convenor(strategy, StrategyDiscussionRedated, starts_at=LATER))
    await strategy.sent(2)
    await strategy.accept(HEALTH, before, **{"SEQUENCE:0\n": ""})
    assert await strategy.stands() == (0, 0, 0)
    await strategy.accept(HEALTH, strategy.newest(HEALTH), **{"SEQUENCE:1\n": ""})
    assert await strategy.stands() == (1, 0, 0)


@pytest.mark.parametrize("counter", [False, True], ids=["no date either", "another time is asked for"])
async def test_an_answer_that_names_no_date_is_for_a_person_once_the_discussion_was_moved(
    strategy: Strategy, *, counter: bool
) -> None:
    [start] = [line for line in event_of(strategy.newest(HEALTH)).to_ical().decode().split() if "DTSTART" in line]
    undated = {"METHOD:REPLY": "METHOD:COUNTER"} if counter else {f"{start}\n": ""}
    await strategy.hear(from_convenor(strategy, StrategyDiscussionRedated, starts_at=LATER))
    await strategy.sent(2)
    first = strategy.read(strategy.medium.sent[0])
    await strategy.accept(HEALTH, first, **{"SEQUENCE:0\n": ""} | undated)
    assert await strategy.stands() == (0, 0, 1)
    await strategy.hear(from_convenor(strategy, StrategyDiscussionCancelled))
    await strategy.sent(3)
    await strategy.accept(HEALTH, first, **{"SEQUENCE:0\n": ""} | undated)
    assert await strategy.stands() == (0, 0, 1), "of one that is called off nobody needs an answer"


async def test_who_is_away_is_followed_by_the_next_person_once_and_may_still_come(strategy: Strategy) -> None:
    for _ in range(2):
        await strategy.post(automatic(strategy, "I am on annual leave until Monday."))
    [failed] = await strategy.said("duty.failed.v1")
    assert (failed["reason"], failed["person"]) == ("away", strategy.ids["night"])
    await strategy.accept(HEALTH, strategy.newest(HEALTH))
    assert (await strategy.said("strategy-discussion.changed.v1"))[-1]["coming"] == [HEALTH]


async def test_a_shared_mailbox_s_receipt_changes_nothing(strategy: Strategy) -> None:
    await strategy.post(automatic(strategy, "Thank you. Your message has been received."))
    assert await strategy.stands() == (0, 0, 0)


async def test_an_absence_after_the_answer_changes_nothing(strategy: Strategy) -> None:
    await strategy.accept(HEALTH, strategy.newest(HEALTH))
    await strategy.post(automatic(strategy, "I am out of the office."))
    assert await strategy.stands() == (1, 0, 0)


async def test_words_from_anybody_else_reach_nobody(strategy: Strategy) -> None:
    await strategy.post(b"From: spam@elsewhere.example\r\nSubject: win\r\n\r\na prize")
    assert await strategy.stands() == (0, 0, 0)


async def test_a_later_step_is_the_deputy_s_and_under_the_same_uid(database: Database, keyring: Keyring) -> None:
    async with running_strategy(database, keyring) as strategy:
        [told] = await strategy.invite(Role.DUTY_WORKER, episode=uuid4())
        await strategy.hear(again(told))
        first, second = await strategy.sent(2)
        assert [first.recipient, second.recipient] == ["day@kestrel.example", "deputy@kestrel.example"]
        assert uid_of(first) == uid_of(second)


async def test_who_has_no_deputy_is_reminded_of_the_same_entry(strategy: Strategy) -> None:
    [told] = await strategy.invite(POLICE, episode=uuid4())
    await strategy.hear(again(told))
    *_, first, second = await strategy.sent(3)
    assert first.recipient == second.recipient
    assert uid_of(first) == uid_of(second)
    await strategy.accept(POLICE, strategy.newest(POLICE))
    assert (await strategy.said("strategy-discussion.changed.v1"))[-1]["coming"] == [POLICE]


async def test_who_has_no_deputy_and_does_not_come_is_asked_no_more(strategy: Strategy) -> None:
    [told] = await strategy.invite(POLICE, episode=uuid4())
    await strategy.accept(POLICE, strategy.newest(POLICE), ACCEPTED="DECLINED")
    await strategy.hear(again(told))
    await eventually_failed(strategy, "nobody-in-role")
    assert len(strategy.medium.sent) == 2


async def eventually_failed(strategy: Strategy, reason: str) -> None:
    for _ in range(600):
        if reason in [each["reason"] for each in await strategy.said("duty.failed.v1")]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(reason)


def again(told: Any) -> Any:
    """The same duty's next step, to the same role."""
    fields = {name: getattr(told, name) for name in told.__dataclass_fields__}
    return type(told)(**(fields | {"id": str(uuid4()), "content": told.content.model_copy(update={"step": 1})}))


def uid_of(sending: SendRequest) -> str:
    return str(event_of(message_from_string(sending.body, _class=EmailMessage, policy=modern))["UID"])


def automatic(strategy: Strategy, said: str) -> bytes:
    answered = strategy.newest(HEALTH)["Message-ID"]
    head = f"From: {strategy.address(HEALTH)}\r\nIn-Reply-To: {answered}\r\nAuto-Submitted: auto-replied\r\n"
    return f"{head}Subject: Automatic reply\r\n\r\n{said}".encode()
