"""What people write in answer to an invitation, in words or as a note: it reaches a person, whoever it seems to come from."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from uuid import uuid4

import pytest

from services.platform.store.encryption import Keyring
from services.safeguarding.child_events.discussion_events import StrategyDiscussionCancelled, StrategyDiscussionRedated
from services.safeguarding.roles import Wording
from services.strategy.discussions.service import DiscussionWatch
from services.strategy.web import DOUBTS
from tests.support.engines.database import Database
from tests.support.in_process.register import words_kept
from tests.support.in_process.strategy import HEALTH, POLICE, Strategy, event_of, from_convenor, running_strategy
from tests.support.outside.mail import says, vouched

LATER = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
SEEN = "I cannot come. She was seen at the coach station at nine."
FAILED = "spf=fail; dmarc=none"
ELSEWHERE = "jane.private@elsewhere.example"


@pytest.fixture
async def strategy(database: Database, keyring: Keyring) -> AsyncIterator[Strategy]:
    async with running_strategy(database, keyring) as running:
        await running.invite(HEALTH, episode=uuid4())
        yield running


@pytest.fixture
def read(strategy: Strategy, database: Database, keyring: Keyring) -> "Read":
    return Read(strategy, database, keyring)


class Read:
    """By a person."""

    def __init__(self, strategy: Strategy, database: Database, keyring: Keyring) -> None:
        self._strategy, self._database, self._keyring = strategy, database, keyring

    async def all(self) -> list[tuple[str | None, str]]:
        """Who said it, and what."""
        needs = await self._strategy.said("text.needs-human.v1")
        kept = await words_kept(self._database, self._keyring, [words for each in needs for words in each["words"]])
        assert {each.said_by for each in kept} == {each.get("said_by") for each in needs}
        return [(each.said_by, each.text) for each in kept]

    async def of_unknown_children(self, raw: bytes) -> list[tuple[str | None, str]]:
        """By this authority's duty team, of this mail: who said it, and what. Other tests' authorities invited the mailbox too."""
        mine, last_line = self._strategy.document["authority"]["id"], raw.decode().rpartition("\n")[2]
        found = []
        for each in await self._strategy.said_of_unknown_children():
            [kept] = await words_kept(self._database, self._keyring, each["words"])
            if each["authority"] == mine and kept.text.endswith(last_line):
                assert kept.said_by == each.get("said_by")
                found.append((kept.said_by, kept.text))
        return found


def mail(sender: str, *headers: str, answers: EmailMessage | None = None, said: str = SEEN) -> bytes:
    named = () if answers is None else (f"In-Reply-To: {answers['Message-ID']}",)
    return "\r\n".join((f"From: {sender}", *named, "Subject: Re: yours", *headers, "", said)).encode()


async def test_of_whoever_was_asked_they_are_that_person_s(strategy: Strategy, read: Read) -> None:
    mailbox = strategy.address(HEALTH)
    await strategy.post(mail(mailbox, answers=strategy.newest(HEALTH)))
    assert await read.all() == [(strategy.ids["night"], f"From {mailbox}\n\nRe: yours\n\n{SEEN}")]


async def test_marked_as_forged_they_are_nobody_s(strategy: Strategy, read: Read) -> None:
    """An honest mail that was forwarded is marked so too."""
    mailbox = strategy.address(HEALTH)
    await strategy.hand_over(says(mail(mailbox, answers=strategy.newest(HEALTH)), FAILED))
    assert await read.all() == [(None, f"{DOUBTS['unauthenticated']}\n\nFrom {mailbox}\n\nRe: yours\n\n{SEEN}")]


@pytest.mark.parametrize("forged", [False, True], ids=["honest", "forged"])
async def test_of_an_invited_mailbox_they_are_read_as_nobody_s_child_s_though_they_name_no_invitation(
    strategy: Strategy, read: Read, forged: bool
) -> None:
    """Of the newest discussion they need not be, and so they are filed under none."""
    raw = mail(strategy.address(HEALTH), said=f"see attached {uuid4()}")
    await strategy.hand_over(says(raw, FAILED) if forged else vouched(raw))
    assert await read.all() == []
    [(said_by, text)] = await read.of_unknown_children(raw)
    assert said_by == (None if forged else strategy.ids["night"])
    assert text.startswith(DOUBTS["unplaced"])
    assert (DOUBTS["unauthenticated"] in text) is forged


async def test_from_another_mailbox_they_are_nobody_s(strategy: Strategy, read: Read) -> None:
    await strategy.post(mail(ELSEWHERE, answers=strategy.newest(HEALTH)))
    assert await read.all() == [(None, f"{DOUBTS['stranger']}\n\nFrom {ELSEWHERE}\n\nRe: yours\n\n{SEEN}")]


@pytest.mark.parametrize("forged", [False, True], ids=["honest", "forged"])
async def test_a_stranger_s_that_answer_nothing_of_ours_reach_nobody(
    strategy: Strategy, read: Read, forged: bool
) -> None:
    said = f"a prize {uuid4()}"
    for headers in ((), (f"In-Reply-To: <{uuid4()}@kestrel.example>",)):
        raw = mail(ELSEWHERE, *headers, said=said)
        await strategy.hand_over(says(raw, FAILED) if forged else vouched(raw))
    assert await read.all() == await read.of_unknown_children(raw) == []


@pytest.mark.parametrize("sender", [None, ELSEWHERE], ids=["who was asked", "another mailbox"])
async def test_to_whoever_asks_for_a_record_they_are_read_too(
    strategy: Strategy, read: Read, sender: str | None
) -> None:
    episode = uuid4()
    await strategy.invite(POLICE, episode=episode)
    await over(strategy)
    await strategy.hear(strategy.invitation(POLICE, episode=episode, wording=Wording("strategy-record")))
    asks = (await strategy.sent(3))[-1]
    await strategy.post(mail(sender or strategy.address(POLICE), answers=strategy.read(asks)))
    [(said_by, _)] = await read.all()
    assert said_by == (None if sender else strategy.ids["day"])


@pytest.mark.parametrize("called_off", [False, True], ids=["an earlier date", "a discussion called off"])
async def test_a_note_with_an_answer_to_what_is_over_is_read_and_the_answer_does_not_count(
    strategy: Strategy, read: Read, called_off: bool
) -> None:
    before = strategy.newest(HEALTH)
    await strategy.hear(
        from_convenor(strategy, StrategyDiscussionCancelled)
        if called_off
        else from_convenor(strategy, StrategyDiscussionRedated, starts_at=LATER)
    )
    await strategy.sent(2)
    await strategy.accept(HEALTH, before)
    assert await read.all() == []
    await strategy.accept(HEALTH, before, **{"BEGIN:VEVENT": f"BEGIN:VEVENT\nCOMMENT:{SEEN}"})
    [(said_by, text)] = await read.all()
    assert said_by == strategy.ids["night"]
    assert text.startswith(f"{DOUBTS['old']}\n\n{SEEN}\n\nFrom ")
    assert await strategy.said("duty.acknowledged.v1") == []


async def test_a_note_with_an_answer_that_is_not_believed_is_read_with_it(strategy: Strategy, read: Read) -> None:
    note = {"BEGIN:VEVENT": f"BEGIN:VEVENT\nCOMMENT:{SEEN}", "SEQUENCE:0": "SEQUENCE:7"}
    await strategy.accept(HEALTH, strategy.newest(HEALTH), **note)
    [(_, text)] = await read.all()
    assert text.startswith(f"{DOUBTS['early']}\n\n{SEEN}\n\nFrom ")


async def test_a_note_with_half_a_character_is_read_and_its_answer_counts(strategy: Strategy, read: Read) -> None:
    invited, mailbox = event_of(strategy.newest(HEALTH)), strategy.address(HEALTH)
    calendar = (
        "BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\n"
        f"UID:{invited['UID']}\r\nSEQUENCE:0\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:{mailbox}\r\n"
        "COMMENT:Seen at nine +2AA-\r\nEND:VEVENT\r\nEND:VCALENDAR"
    )
    await strategy.post(mail(mailbox, "Content-Type: text/calendar; charset=utf-7", said=calendar))
    assert len(await strategy.said("duty.acknowledged.v1")) == 1
    [(_, text)] = await read.all()
    assert "Seen at nine ?" in text


async def over(strategy: Strategy) -> None:
    strategy.floor.clocks.now += timedelta(hours=2)  # type: ignore[attr-defined]
    watch = DiscussionWatch(strategy.floor.store, strategy.floor.clocks, strategy.discussing)
    await watch._turn()
    await watch._turn()
