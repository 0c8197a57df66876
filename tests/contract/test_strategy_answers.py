"""Answers by mail that must not simply be believed, and those that lead to the next person, on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, message_from_string
from email.message import EmailMessage, Message
from email.policy import default as modern
from typing import Any, TypeAlias
from uuid import uuid4

import pytest

from services.delivery.medium import Sending
from services.safeguarding.discussion_events import StrategyDiscussionRedated
from services.safeguarding.roles import Role
from services.store.encryption import Keyring
from services.strategy import store
from services.strategy.store import Discussion
from tests.support.database import Database
from tests.support.mail import says, vouched
from tests.support.strategy import HEALTH, POLICE, Strategy, event_of, from_convenor, running_strategy

Relayed: TypeAlias = Callable[[bytes], bytes]
PASSES = b"dmarc=pass header.from=kestrel.example\n"
LATER = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)


def says_of(results: str) -> Relayed:
    return lambda raw: says(raw, results)


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


NOBODY_VOUCHES = {
    "attack 5": says_of("spf=fail smtp.mailfrom=x@elsewhere.example; dmarc=none header.from=kestrel.example"),
    "nobody looked": lambda raw: raw,
    "another relay": lambda raw: b"Authentication-Results: mx.elsewhere.example; " + PASSES + raw,
    "another domain": says_of("dmarc=pass header.from=elsewhere.example"),
    "our own word below a failure": lambda raw: says(vouched(raw), "dmarc=fail header.from=kestrel.example"),
}


@pytest.mark.parametrize("partstat", ["ACCEPTED", "DECLINED", "TENTATIVE"])
@pytest.mark.parametrize("relayed", NOBODY_VOUCHES.values(), ids=NOBODY_VOUCHES)
async def test_an_answer_that_nobody_vouches_for_counts_for_nothing_and_a_person_hears_of_it(
    strategy: Strategy, relayed: Relayed, partstat: str
) -> None:
    before = await replies(strategy)
    await strategy.hand_over(relayed(strategy.acceptance(HEALTH, strategy.newest(HEALTH), ACCEPTED=partstat)))
    assert await stands(strategy) == (0, 0, 1)
    assert await replies(strategy) == before
    [needs] = await strategy.said("text.needs-human.v1")
    assert needs.get("said_by") is None


async def test_an_answer_once_given_is_not_taken_back_by_a_mail_that_nobody_vouches_for(strategy: Strategy) -> None:
    await strategy.accept(HEALTH, strategy.newest(HEALTH))
    before = await replies(strategy)
    await strategy.hand_over(strategy.acceptance(HEALTH, strategy.newest(HEALTH), ACCEPTED="DECLINED"))
    assert await replies(strategy) == before
    assert await stands(strategy) == (1, 0, 1)


async def test_an_absence_that_nobody_vouches_for_leads_nowhere_and_a_person_hears_of_it(strategy: Strategy) -> None:
    await strategy.hand_over(automatic(strategy, "I am on annual leave until Monday."))
    assert await stands(strategy) == (0, 0, 1)


async def test_an_answer_is_to_the_invitation_that_it_names_whichever_is_newest(strategy: Strategy) -> None:
    """Attack 14: words, and an answer, of somebody with a later discussion about another child."""
    first = strategy.newest(HEALTH)
    [later] = await invite_another(strategy, child="C2")
    await strategy.accept(HEALTH, first)
    await strategy.post(words(strategy, "I shall be late.", answers=first))
    assert await stands(strategy) == (1, 0, 1)
    assert await replies(strategy, later) == [(strategy.ids["night"], "waiting")]


async def test_an_answer_with_one_discussion_s_uid_to_another_s_mail_is_for_a_person(strategy: Strategy) -> None:
    first = strategy.newest(HEALTH)
    [later] = await invite_another(strategy, child="C2")
    other = strategy.newest(HEALTH)
    raw = strategy.acceptance(HEALTH, first)
    await strategy.post(f"In-Reply-To: {other['Message-ID']}\n".encode() + raw)
    assert await stands(strategy) == (0, 0, 1)
    assert await replies(strategy, later) == [(strategy.ids["night"], "waiting")]
    await strategy.post(f"In-Reply-To: {first['Message-ID']}\n".encode() + raw)
    assert (await stands(strategy))[0] == 1


async def test_two_answers_in_one_mail_are_for_a_person(strategy: Strategy) -> None:
    both = [strategy.acceptance(HEALTH, strategy.newest(HEALTH), ACCEPTED=each) for each in ("ACCEPTED", "DECLINED")]
    calendars = [next(part for part in message_from_bytes(each).walk() if is_calendar(part)) for each in both]
    parts = b"".join(b"--b\n" + part.as_bytes() + b"\n" for part in calendars)
    head = f"From: {strategy.address(HEALTH)}\nContent-Type: multipart/mixed; boundary=b\n\n"
    await strategy.post(head.encode() + parts + b"--b--")
    assert await stands(strategy) == (0, 0, 1)


async def test_an_answer_in_the_name_of_another_who_was_invited_changes_nobody_s(strategy: Strategy) -> None:
    await strategy.invite(POLICE, episode=(await discussion_of(strategy)).episode)
    before = await replies(strategy)
    assert len(before) == 2
    named = {f"mailto:{strategy.address(HEALTH)}": f"mailto:{strategy.address(POLICE)}"}
    await strategy.accept(HEALTH, strategy.newest(HEALTH), **named)
    assert await replies(strategy) == before
    assert await stands(strategy) == (0, 0, 1)


async def test_an_answer_to_an_invitation_that_we_do_not_know_is_for_a_person(strategy: Strategy) -> None:
    invited = strategy.newest(HEALTH)
    known, unknown = str((await discussion_of(strategy)).discussion), str(uuid4())
    await strategy.accept(HEALTH, invited, **{known: unknown})
    assert await stands(strategy) == (0, 0, 0)
    authority = strategy.document["authority"]["id"]
    assert [each for each in await strategy.said_of_unknown_children() if each["authority"] == authority]


async def test_the_uid_of_another_authority_s_discussion_changes_nobody_s_answer(
    strategy: Strategy, database: Database, keyring: Keyring
) -> None:
    async with running_strategy(database, keyring) as other:
        await other.invite(HEALTH, episode=uuid4())
        before = await replies(strategy), await replies(other)
        mine, theirs = str((await discussion_of(strategy)).discussion), str((await discussion_of(other)).discussion)
        elsewhere = {mine: theirs, strategy.address(HEALTH): "nurse@wren.example"}
        await strategy.accept(HEALTH, strategy.newest(HEALTH), **elsewhere)
        assert (await replies(strategy), await replies(other)) == before
        assert (await stands(strategy), await stands(other)) == ((0, 0, 0), (0, 0, 1))


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


async def test_words_from_anybody_else_reach_nobody(strategy: Strategy) -> None:
    await strategy.post(b"From: spam@elsewhere.example\r\nSubject: win\r\n\r\na prize")
    assert await stands(strategy) == (0, 0, 0)


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
    for _ in range(100):
        if reason in [each["reason"] for each in await strategy.said("duty.failed.v1")]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(reason)


async def discussion_of(strategy: Strategy, child: str | None = None) -> Discussion:
    async with strategy.floor.store.transaction() as transaction:
        found = await store.of_child(transaction, child or strategy.child, None, exercise=False)
    assert found is not None
    return found


async def replies(strategy: Strategy, child: str | None = None) -> list[tuple[str | None, str]]:
    """Who of the invited has answered what."""
    found = await discussion_of(strategy, child)
    async with strategy.floor.store.transaction() as transaction:
        everyone = await store.attendees_of(transaction.connection, found.discussion)
    return sorted((each.person, str(each.reply)) for each in everyone)


async def invite_another(strategy: Strategy, child: str) -> list[str]:
    """To a discussion about another child, which is the newest of whoever is invited."""
    told = strategy.invitation(HEALTH, episode=uuid4(), person=strategy.ids["night"])
    fields = {name: getattr(told, name) for name in told.__dataclass_fields__}
    strategy.floor.clocks.now += timedelta(minutes=1)  # type: ignore[attr-defined]
    await strategy.hear(type(told)(**(fields | {"subject": strategy.ids[child]})))
    await strategy.sent(2)
    return [strategy.ids[child]]


def words(strategy: Strategy, said: str, *, answers: EmailMessage) -> bytes:
    return f"From: {strategy.address(HEALTH)}\nIn-Reply-To: {answers['Message-ID']}\n\n{said}".encode()


def is_calendar(part: Message) -> bool:
    return part.get_content_type() == "text/calendar"


def again(told: Any) -> Any:
    """The same duty's next step, to the same role."""
    fields = {name: getattr(told, name) for name in told.__dataclass_fields__}
    return type(told)(**(fields | {"id": str(uuid4()), "content": told.content.model_copy(update={"step": 1})}))


def uid_of(sending: Sending) -> str:
    return str(event_of(message_from_string(sending.body, _class=EmailMessage, policy=modern))["UID"])


def automatic(strategy: Strategy, said: str) -> bytes:
    answered = strategy.newest(HEALTH)["Message-ID"]
    head = f"From: {strategy.address(HEALTH)}\r\nIn-Reply-To: {answered}\r\nAuto-Submitted: auto-replied\r\n"
    return f"{head}Subject: Automatic reply\r\n\r\n{said}".encode()
