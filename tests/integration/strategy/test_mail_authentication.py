"""Whose answer by mail is believed, and to which discussion it is, on a real PostgreSQL: what is in doubt, a person reads."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage, Message
from typing import TypeAlias
from uuid import uuid4

import pytest

from services.platform.store.encryption import Keyring
from services.strategy.discussions.repository import Discussion, attendees_of_discussion, discussion_of_child
from tests.support.engines.database import Database
from tests.support.in_process.strategy import HEALTH, POLICE, Strategy, running_strategy
from tests.support.outside.mail import says, vouched

Relayed: TypeAlias = Callable[[bytes], bytes]
PASSES = b"dmarc=pass header.from=kestrel.example\n"


@pytest.fixture
async def strategy(database: Database, keyring: Keyring) -> AsyncIterator[Strategy]:
    async with running_strategy(database, keyring) as running:
        await running.invite(HEALTH, episode=uuid4())
        yield running


def says_of(results: str) -> Relayed:
    return lambda raw: says(raw, results)


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
    assert await strategy.stands() == (0, 0, 1)
    assert await replies(strategy) == before
    [needs] = await strategy.said("text.needs-human.v1")
    assert needs.get("said_by") is None


async def test_an_answer_once_given_is_not_taken_back_by_a_mail_that_nobody_vouches_for(strategy: Strategy) -> None:
    await strategy.accept(HEALTH, strategy.newest(HEALTH))
    before = await replies(strategy)
    await strategy.hand_over(strategy.acceptance(HEALTH, strategy.newest(HEALTH), ACCEPTED="DECLINED"))
    assert await replies(strategy) == before
    assert await strategy.stands() == (1, 0, 1)


async def test_an_absence_that_nobody_vouches_for_leads_nowhere_and_a_person_hears_of_it(strategy: Strategy) -> None:
    note = words(strategy, "I am on annual leave.", "Auto-Submitted: auto-replied", answers=strategy.newest(HEALTH))
    await strategy.hand_over(note)
    assert await strategy.stands() == (0, 0, 1)


async def test_an_answer_is_to_the_invitation_that_it_names_whichever_is_newest(strategy: Strategy) -> None:
    """Attack 14: words, and an answer, of somebody with a later discussion about another child."""
    first = strategy.newest(HEALTH)
    [later] = await invite_another(strategy, child="C2")
    await strategy.accept(HEALTH, first)
    await strategy.post(words(strategy, "I shall be late.", answers=first))
    assert await strategy.stands() == (1, 0, 1)
    assert await replies(strategy, later) == [(strategy.ids["night"], "waiting")]


async def test_an_answer_with_one_discussion_s_uid_to_another_s_mail_is_for_a_person(strategy: Strategy) -> None:
    first = strategy.newest(HEALTH)
    [later] = await invite_another(strategy, child="C2")
    other = strategy.newest(HEALTH)
    raw = strategy.acceptance(HEALTH, first)
    await strategy.post(f"In-Reply-To: {other['Message-ID']}\n".encode() + raw)
    assert await strategy.stands() == (0, 0, 1)
    assert await replies(strategy, later) == [(strategy.ids["night"], "waiting")]
    await strategy.post(f"In-Reply-To: {first['Message-ID']}\n".encode() + raw)
    assert (await strategy.stands())[0] == 1


async def test_two_answers_in_one_mail_are_for_a_person(strategy: Strategy) -> None:
    both = [strategy.acceptance(HEALTH, strategy.newest(HEALTH), ACCEPTED=each) for each in ("ACCEPTED", "DECLINED")]
    calendars = [next(part for part in message_from_bytes(each).walk() if is_calendar(part)) for each in both]
    parts = b"".join(b"--b\n" + part.as_bytes() + b"\n" for part in calendars)
    head = f"From: {strategy.address(HEALTH)}\nContent-Type: multipart/mixed; boundary=b\n\n"
    await strategy.post(head.encode() + parts + b"--b--")
    assert await strategy.stands() == (0, 0, 1)


async def test_an_answer_in_the_name_of_another_who_was_invited_changes_nobody_s(strategy: Strategy) -> None:
    await strategy.invite(POLICE, episode=(await discussion_of(strategy)).episode)
    before = await replies(strategy)
    assert len(before) == 2
    named = {f"mailto:{strategy.address(HEALTH)}": f"mailto:{strategy.address(POLICE)}"}
    await strategy.accept(HEALTH, strategy.newest(HEALTH), **named)
    assert await replies(strategy) == before
    assert await strategy.stands() == (0, 0, 1)


async def test_an_answer_to_an_invitation_that_we_do_not_know_is_for_a_person(strategy: Strategy) -> None:
    invited = strategy.newest(HEALTH)
    known, unknown = str((await discussion_of(strategy)).discussion), str(uuid4())
    await strategy.accept(HEALTH, invited, **{known: unknown})
    assert await strategy.stands() == (0, 0, 0)
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
        assert (await strategy.stands(), await other.stands()) == ((0, 0, 0), (0, 0, 1))


async def discussion_of(strategy: Strategy, child: str | None = None) -> Discussion:
    async with strategy.floor.store.transaction() as uow:
        found = await uow.fetch(discussion_of_child(child or strategy.child, None, exercise=False))
    assert found is not None
    return found


async def replies(strategy: Strategy, child: str | None = None) -> list[tuple[str | None, str]]:
    """Who of the invited has answered what."""
    found = await discussion_of(strategy, child)
    async with strategy.floor.store.transaction() as uow:
        everyone = await uow.fetch(attendees_of_discussion(found.discussion))
    return sorted((each.person, str(each.reply)) for each in everyone)


async def invite_another(strategy: Strategy, child: str) -> list[str]:
    """To a discussion about another child, which is the newest of whoever is invited."""
    told = strategy.invitation(HEALTH, episode=uuid4(), person=strategy.ids["night"])
    fields = {name: getattr(told, name) for name in told.__dataclass_fields__}
    strategy.floor.clocks.now += timedelta(minutes=1)  # type: ignore[attr-defined]
    await strategy.hear(type(told)(**(fields | {"subject": strategy.ids[child]})))
    await strategy.sent(2)
    return [strategy.ids[child]]


def words(strategy: Strategy, said: str, *headers: str, answers: EmailMessage) -> bytes:
    named = (f"From: {strategy.address(HEALTH)}", f"In-Reply-To: {answers['Message-ID']}")
    return "\n".join((*named, *headers, "", said)).encode()


def is_calendar(part: Message) -> bool:
    return part.get_content_type() == "text/calendar"
