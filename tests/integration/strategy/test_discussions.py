"""Strategy on a real PostgreSQL: one entry in every calendar, through changes, crashes and whatever comes back by mail."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

import aiosmtplib
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text, update

from services.platform.delivery.channels.channel import SendResult
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.discussion_events import (
    StrategyDiscussionCancelled,
    StrategyDiscussionHeld,
    StrategyDiscussionRedated,
)
from services.safeguarding.duty.decisions import AttemptResult, EpisodeChanged, EpisodeState
from services.safeguarding.identifiers import provisional_child
from services.safeguarding.roles import Wording
from services.strategy.discussions import repository as discussions
from services.strategy.discussions.repository import Discussion
from services.strategy.discussions.service import DiscussionService, DiscussionWatch
from tests.support.engines.database import Database
from tests.support.in_process.delivery import ACCEPTED, eventually, waits_without_holding
from tests.support.in_process.strategy import (
    HEALTH,
    MAILBOX,
    POLICE,
    SOCIAL,
    Strategy,
    event_of,
    from_convenor,
    running_strategy,
)
from tests.support.tables import deliveries

LATER = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)


@pytest.fixture
async def strategy(database: Database, keyring: Keyring) -> AsyncIterator[Strategy]:
    async with running_strategy(database, keyring) as running:
        yield running


async def test_everyone_is_invited_to_one_discussion_as_calendars_want_it(strategy: Strategy) -> None:
    await strategy.invite(POLICE, SOCIAL, HEALTH, episode=uuid4())
    events = [event_of(strategy.newest(role)) for role in (POLICE, SOCIAL, HEALTH)]
    assert len({str(event["UID"]) for event in events}) == 1
    assert {event.decoded("DTSTART") for event in events} == {datetime(2026, 11, 24, 13, tzinfo=UTC)}
    mail = strategy.newest(POLICE)
    assert mail.get_content_type() == "multipart/alternative"
    kinds = [part.get_content_type() for part in mail.iter_parts()]
    assert kinds == ["text/plain", "text/html", "text/calendar"]
    assert [*mail.iter_parts()][-1].get_param("method") == "REQUEST"
    assert f"mailto:{MAILBOX}" == str(events[0]["ORGANIZER"])
    assert mail["From"] == f"Safe Return <{MAILBOX}>"


async def test_an_authority_s_bridge_is_how_its_discussions_are_joined(strategy: Strategy, database: Database) -> None:
    casework = database.engine("casework")
    async with casework.begin() as connection:
        asked = text("UPDATE register.authorities SET bridge = 'https://meet.example/4821' WHERE id = :id")
        await connection.execute(asked, {"id": strategy.document["authority"]["id"]})
    await casework.dispose()
    await strategy.invite(POLICE, episode=uuid4())
    mail = strategy.newest(POLICE)
    assert "https://meet.example/4821" in next(mail.iter_parts()).get_content()
    assert "https://meet.example/4821" in str(event_of(mail)["DESCRIPTION"])
    assert "LOCATION" not in event_of(mail)


async def test_no_invitation_says_who_or_where_the_child_is(strategy: Strategy) -> None:
    await strategy.invite(POLICE, episode=uuid4())
    [sending] = strategy.medium.sent
    for word in ("Amara", "Diallo", "Mill Lane", "C1 ", strategy.child, "asylum", "unaccompanied"):
        assert word not in sending.body


async def test_a_reply_by_mail_is_an_acknowledgement_by_that_person(strategy: Strategy) -> None:
    await strategy.invite(POLICE, SOCIAL, HEALTH, episode=uuid4())
    for role in (POLICE, SOCIAL, HEALTH):
        await strategy.accept(role, strategy.newest(role))
    acknowledged = await strategy.said("duty.acknowledged.v1")
    assert [(each["by"], each["how"]) for each in acknowledged] == [
        (strategy.ids[person], "mail") for person in ("day", "worker", "night")
    ]
    quorums = [each["quorum"] for each in await strategy.said("strategy-discussion.changed.v1")]
    assert quorums == ["not-reached", "not-reached", "not-reached", "reached"]


async def test_the_same_reply_again_says_nothing_new(strategy: Strategy) -> None:
    await strategy.invite(POLICE, episode=uuid4())
    for _ in range(3):
        await strategy.accept(POLICE, strategy.newest(POLICE))
    assert len(await strategy.said("duty.acknowledged.v1")) == 1


async def test_who_declines_is_followed_by_the_next_person_at_once(strategy: Strategy) -> None:
    await strategy.invite(HEALTH, episode=uuid4())
    await strategy.accept(HEALTH, strategy.newest(HEALTH), ACCEPTED="DECLINED")
    [failed] = await strategy.said("duty.failed.v1")
    assert (failed["reason"], failed["person"]) == ("declined", strategy.ids["night"])


async def test_a_new_date_moves_the_entry_and_asks_everyone_again(strategy: Strategy) -> None:
    await strategy.invite(POLICE, HEALTH, episode=uuid4())
    first, before = event_of(strategy.newest(POLICE)), strategy.newest(HEALTH)
    await strategy.accept(POLICE, strategy.newest(POLICE))
    redated = from_convenor(strategy, StrategyDiscussionRedated, starts_at=LATER)
    await strategy.hear(redated)
    await strategy.sent(4)
    moved = event_of(strategy.newest(POLICE))
    assert (str(moved["UID"]), int(moved["SEQUENCE"])) == (str(first["UID"]), 1)
    assert moved.decoded("DTSTART") == LATER
    await strategy.accept(HEALTH, before)
    assert (await strategy.said("strategy-discussion.changed.v1"))[-1].get("coming", []) == []
    await strategy.accept(HEALTH, strategy.newest(HEALTH))
    assert (await strategy.said("strategy-discussion.changed.v1"))[-1]["coming"] == [HEALTH]


@pytest.mark.parametrize("is_first", [True, False])
async def test_news_of_a_discussion_locks_its_mails_in_one_order(strategy: Strategy, *, is_first: bool) -> None:
    """Whoever was invited first."""
    episode = uuid4()
    while True:
        told = [strategy.invitation(role, episode=episode) for role in (POLICE, HEALTH)]
        low, high = sorted(each.content.telling for each in told)
        if (low == told[0].content.telling) is is_first:
            break
    for each in told:
        await strategy.hear(each)
    await strategy.sent(2)
    stays = {"state": "unknown", "next_attempt_at": strategy.floor.clocks.wall() + timedelta(hours=1)}
    async with strategy.floor.store.transaction() as uow:
        await uow.connection.execute(update(deliveries).where(deliveries.c.id.in_([low, high])).values(stays))
    redated = from_convenor(strategy, StrategyDiscussionRedated, starts_at=LATER)
    await waits_without_holding(strategy.floor.store, low, high, partial(strategy.hear, redated))


async def test_a_discussion_called_off_is_cancelled_in_the_calendar_under_the_same_uid(strategy: Strategy) -> None:
    await strategy.invite(POLICE, episode=uuid4())
    first = event_of(strategy.newest(POLICE))
    await strategy.hear(from_convenor(strategy, StrategyDiscussionRedated, starts_at=LATER))
    await strategy.sent(2)
    await strategy.hear(from_convenor(strategy, StrategyDiscussionCancelled))
    await strategy.sent(3)
    mail = strategy.newest(POLICE)
    cancelled = event_of(mail)
    assert [*mail.iter_parts()][-1].get_param("method") == "CANCEL"
    assert (str(cancelled["UID"]), int(cancelled["SEQUENCE"])) == (str(first["UID"]), 2)
    assert str(cancelled["STATUS"]) == "CANCELLED"


async def test_of_two_absences_only_the_named_one_s_discussion_is_called_off(strategy: Strategy) -> None:
    first, second = uuid4(), uuid4()
    await strategy.invite(POLICE, episode=first)
    await strategy.invite(HEALTH, episode=second)
    await strategy.sent(2)
    off = from_convenor(strategy, StrategyDiscussionCancelled, discussion=1, episode=first)
    for _ in range(2):
        await strategy.hear(off)
    await strategy.sent(3)
    assert str(event_of(strategy.newest(POLICE))["STATUS"]) == "CANCELLED"
    assert str(event_of(strategy.newest(HEALTH)).get("STATUS")) != "CANCELLED"


async def test_a_report_that_was_a_mistake_calls_the_discussion_off(strategy: Strategy) -> None:
    episode = uuid4()
    await strategy.invite(POLICE, episode=episode)
    content = {
        "episode": episode, "revision": 2, "state": EpisodeState.RETRACTED, "opened_at": LATER, "protocol": "x"
    }  # fmt: skip
    await strategy.hear(from_convenor(strategy, EpisodeChanged, **content))
    await strategy.sent(2)
    assert str(event_of(strategy.newest(POLICE))["STATUS"]) == "CANCELLED"


async def merged(strategy: Strategy, episode: UUID, into: UUID) -> None:
    content = {"episode": episode, "revision": 2, "state": EpisodeState.MERGED, "opened_at": LATER, "protocol": "x"}
    await strategy.hear(from_convenor(strategy, EpisodeChanged, merged_into=into, **content))


async def test_of_two_discussions_of_one_child_the_one_of_the_merged_episode_is_called_off(strategy: Strategy) -> None:
    known, unknown = uuid4(), uuid4()
    await strategy.invite(SOCIAL, episode=known)
    [kept] = strategy.medium.sent
    [told] = await strategy.invite(POLICE, episode=unknown)
    await strategy.sent(2)
    await merged(strategy, unknown, into=known)
    await strategy.sent(3)
    assert str(event_of(strategy.newest(POLICE))["STATUS"]) == "CANCELLED"
    assert event_of(strategy.newest(SOCIAL))["UID"] == event_of(strategy.read(kept))["UID"]
    await strategy.hear(strategy.invitation(POLICE, episode=known, duty=told.content.duty, step=1))
    await strategy.sent(4)
    assert event_of(strategy.newest(POLICE))["UID"] == event_of(strategy.read(kept))["UID"]


async def test_a_merged_episode_s_only_discussion_is_from_then_on_the_other_s(strategy: Strategy) -> None:
    known, unknown = uuid4(), uuid4()
    await strategy.invite(POLICE, episode=unknown)
    await merged(strategy, unknown, into=known)
    assert [each["episode"] for each in await strategy.said("strategy-discussion.changed.v1")][-1] == str(known)
    await strategy.invite(SOCIAL, episode=known)
    await strategy.sent(2)
    first, second = (event_of(strategy.newest(role)) for role in (POLICE, SOCIAL))
    assert (first["UID"], first.get("STATUS")) == (second["UID"], second.get("STATUS"))
    assert str(first["STATUS"]) != "CANCELLED"


@pytest.mark.parametrize("held", ["merged", "goes on"])
async def test_what_was_held_under_one_name_is_called_off_under_the_other_with_word_to_all_who_were_invited(
    strategy: Strategy, held: str
) -> None:
    known, unknown = uuid4(), uuid4()
    await strategy.invite(POLICE, SOCIAL, episode=unknown if held == "merged" else known)
    record = {"form": "urgent", "section_47": "no-enquiry", "discussion": 1, "channel": "agency"}
    await strategy.hear(from_convenor(strategy, StrategyDiscussionHeld, **record))
    await strategy.sent(4)
    await strategy.invite(POLICE, SOCIAL, episode=known if held == "merged" else unknown)
    await strategy.sent(6)
    await merged(strategy, unknown, into=known)
    await strategy.sent(8)
    assert {str(event_of(strategy.newest(role))["STATUS"]) for role in (POLICE, SOCIAL)} == {"CANCELLED"}
    said = await strategy.said("strategy-discussion.changed.v1")
    assert [each["state"] for each in said][-1] == "cancelled"
    before = len(strategy.medium.sent)
    await merged(strategy, unknown, into=known)
    await strategy.floor.idle()
    assert len(strategy.medium.sent) == before, "heard again it tells nobody again"


async def test_what_has_begun_is_not_called_off_though_the_other_was_held(strategy: Strategy) -> None:
    known, unknown = uuid4(), uuid4()
    await strategy.invite(POLICE, episode=unknown)
    record = {"form": "urgent", "section_47": "no-enquiry", "discussion": 1, "channel": "agency"}
    await strategy.hear(from_convenor(strategy, StrategyDiscussionHeld, **record))
    await strategy.invite(SOCIAL, episode=known)
    strategy.floor.clocks.now += timedelta(hours=1, minutes=5)  # type: ignore[attr-defined]
    await merged(strategy, unknown, into=known)
    said = await strategy.said("strategy-discussion.changed.v1")
    assert "cancelled" not in [each["state"] for each in said]


@pytest.mark.parametrize("called_off", [False, True])
async def test_an_invitation_that_comes_after_its_episode_was_merged_is_to_the_discussion_that_went_over(
    strategy: Strategy, *, called_off: bool
) -> None:
    known, unknown = uuid4(), uuid4()
    await strategy.invite(POLICE, episode=unknown)
    first = event_of(strategy.newest(POLICE))["UID"]
    await merged(strategy, unknown, into=known)
    if called_off:
        await strategy.hear(from_convenor(strategy, StrategyDiscussionCancelled))
        await strategy.sent(2)
    await strategy.hear(strategy.invitation(HEALTH, episode=unknown))
    await strategy.hear(strategy.invitation(HEALTH, episode=unknown, wording=Wording("full-meeting")))
    told = [event_of(strategy.read(each))["UID"] for each in await strategy.sent(3)]
    assert (told.count(first), len(set(told))) == (2, 2), (
        "the full meeting is another; to what is off nobody is invited"
    )


async def test_whoever_convenes_moves_the_discussion_of_a_child_reported_without_a_name_under_its_own(
    strategy: Strategy,
) -> None:
    episode = uuid4()
    found = strategy.invitation(POLICE, episode=episode)
    await strategy.hear(replace(found, subject=provisional_child("a caller")))
    await strategy.sent(1)
    content = {"episode": episode, "revision": 2, "state": EpisodeState.MISSING, "opened_at": LATER, "protocol": "x"}
    await strategy.hear(from_convenor(strategy, EpisodeChanged, **content))
    await strategy.hear(from_convenor(strategy, StrategyDiscussionRedated, starts_at=LATER))
    await strategy.sent(2)
    assert event_of(strategy.newest(POLICE)).decoded("DTSTART") == LATER


async def test_what_is_rolled_back_is_not_counted(strategy: Strategy) -> None:
    def planned() -> float:
        return REGISTRY.get_sample_value("strategy_discussions_total", {"act": "planned"}) or 0.0

    async def rolled_back() -> None:
        async with strategy.floor.store.transaction() as uow:
            await strategy.handlers.on_strategy_invite(strategy.invitation(POLICE, episode=uuid4()), uow)
            raise ConnectionError

    before = planned()
    with pytest.raises(ConnectionError):
        await rolled_back()
    assert planned() == before


async def test_an_invitation_heard_again_after_a_crash_reaches_nobody_twice(strategy: Strategy) -> None:
    [told] = await strategy.invite(POLICE, episode=uuid4())
    await strategy.hear(told)
    await strategy.floor.whatever_waits_is_sent()
    assert len(strategy.medium.sent) == 1


async def test_invitations_heard_by_two_processes_at_once_are_to_one_discussion(strategy: Strategy) -> None:
    episode = uuid4()
    told = [strategy.invitation(role, episode=episode) for role in (POLICE, SOCIAL, HEALTH)]
    await asyncio.gather(*(strategy.hear(each) for each in told))
    await strategy.sent(3)
    assert len({str(event_of(strategy.newest(role))["UID"]) for role in (POLICE, SOCIAL, HEALTH)}) == 1


async def test_a_stranger_s_reply_changes_nothing(strategy: Strategy) -> None:
    await strategy.invite(POLICE, episode=uuid4())
    address = strategy.address(POLICE)
    await strategy.accept(POLICE, strategy.newest(POLICE), **{address: "someone@elsewhere.example"})
    assert await strategy.said("duty.acknowledged.v1") == []


async def test_mail_to_any_other_mailbox_is_refused(strategy: Strategy) -> None:
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        await strategy.post(b"Subject: x\r\n\r\nhello", to="somebody@kestrel.example")


async def test_words_instead_of_a_reply_go_to_a_person_and_are_kept_encrypted(strategy: Strategy) -> None:
    await strategy.invite(HEALTH, episode=uuid4())
    headers = f"From: {strategy.address(HEALTH)}\r\nIn-Reply-To: {strategy.newest(HEALTH)['Message-ID']}\r\n"
    await strategy.post(f"{headers}Subject: Re\r\n\r\nCan somebody ring me about Amara?".encode())
    [needs] = await strategy.said("text.needs-human.v1")
    assert len(needs["words"]) == 1
    assert "Amara" not in str(needs)


async def test_a_bounce_leads_to_the_next_person(strategy: Strategy) -> None:
    await strategy.invite(POLICE, episode=uuid4())
    head = 'From: MAILER-DAEMON@relay.example\r\nContent-Type: multipart/report; boundary="b"\r\n\r\n'
    body = f"--b\r\n\r\nMessage-ID: {strategy.newest(POLICE)['Message-ID']}\r\n--b--\r\n"
    await strategy.post((head + body).encode())
    [failed] = await strategy.said("duty.failed.v1")
    assert failed["reason"] == "undeliverable"


async def test_a_bounce_in_plain_words_is_known_by_its_empty_sender(strategy: Strategy) -> None:
    await strategy.invite(POLICE, episode=uuid4())
    said = f"Your message {strategy.newest(POLICE)['Message-ID']} could not be delivered."
    await strategy.post(f"From: exchange@relay.example\r\nSubject: Undeliverable\r\n\r\n{said}".encode(), sender="")
    [failed] = await strategy.said("duty.failed.v1")
    assert failed["reason"] == "undeliverable"


async def test_opening_the_link_only_shows_and_its_button_acts(strategy: Strategy) -> None:
    await strategy.invite(HEALTH, episode=uuid4())
    plain, *_ = strategy.newest(HEALTH).iter_parts()
    [link] = re.findall(r"http://strategy.example/invitations/[\w.-]+", plain.get_content())
    shown = await strategy.web.get(link)
    assert (shown.status_code, shown.headers["cache-control"]) == (200, "no-store")
    assert await strategy.said("duty.acknowledged.v1") == []
    [come] = re.findall(r'value="(come-\d+)"', shown.text)
    answered = await strategy.web.post(link, data={"answer": come})
    assert "You are expected" in answered.text
    [acknowledged] = await strategy.said("duty.acknowledged.v1")
    assert (acknowledged["by"], acknowledged["how"]) == (strategy.ids["night"], "page")


async def test_whoever_said_perhaps_may_still_say_for_certain(strategy: Strategy) -> None:
    """Only certain answers make up the quorum."""
    await strategy.invite(HEALTH, episode=uuid4())
    plain, *_ = strategy.newest(HEALTH).iter_parts()
    [link] = re.findall(r"http://strategy.example/invitations/[\w.-]+", plain.get_content())
    left = (await strategy.web.post(link, data={"answer": "perhaps-0"})).text
    assert (re.findall(r'value="([\w-]+)-0"', left), "You are expected" in left) == (["come", "not-come"], False)
    assert "You are expected" in (await strategy.web.post(link, data={"answer": "come-0"})).text
    assert (await strategy.said("strategy-discussion.changed.v1"))[-1]["coming"] == [HEALTH]


async def test_a_button_of_an_old_page_is_no_answer_to_the_new_date(strategy: Strategy) -> None:
    await strategy.invite(HEALTH, episode=uuid4())
    plain, *_ = strategy.newest(HEALTH).iter_parts()
    [link] = re.findall(r"http://strategy.example/invitations/[\w.-]+", plain.get_content())
    [come] = re.findall(r'value="(come-\d+)"', (await strategy.web.get(link)).text)
    await strategy.hear(from_convenor(strategy, StrategyDiscussionRedated, starts_at=LATER))
    asked = (await strategy.web.post(link, data={"answer": come})).text
    assert "You are expected" not in asked
    assert await strategy.said("duty.acknowledged.v1") == []
    [again] = re.findall(r'value="(come-\d+)"', asked)
    assert again != come
    assert "You are expected" in (await strategy.web.post(link, data={"answer": again})).text


async def test_whoever_convenes_is_warned_once_when_the_quorum_is_lacking(strategy: Strategy) -> None:
    await strategy.invite(POLICE, episode=uuid4())
    await strategy.accept(POLICE, strategy.newest(POLICE))
    clocks = strategy.floor.clocks
    watch = DiscussionWatch(strategy.floor.store, clocks, strategy.discussing)
    await watch._turn()
    assert await strategy.said("strategy.without-quorum.v1") == []
    clocks.now = clocks.now + timedelta(minutes=50)  # type: ignore[attr-defined]
    await watch._turn()
    await watch._turn()
    [warning] = await strategy.said("strategy.without-quorum.v1")
    assert warning["lacking"] == ["health", "social-care"]


async def test_what_fails_with_one_discussion_holds_up_no_other(
    strategy: Strategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        await strategy.invite(POLICE, episode=uuid4())
    clocks, warn, failed = strategy.floor.clocks, DiscussionService.warn_of_quorum, list[UUID]()

    async def fail_at_first(service: DiscussionService, uow: UnitOfWork, found: Discussion) -> object:
        failed.append(found.discussion)
        if found.discussion == failed[0]:
            raise RuntimeError
        return await warn(service, uow, found)

    monkeypatch.setattr(DiscussionService, "warn_of_quorum", fail_at_first)
    clocks.now = clocks.now + timedelta(minutes=50)  # type: ignore[attr-defined]
    with pytest.raises(RuntimeError):
        await DiscussionWatch(strategy.floor.store, clocks, strategy.discussing)._turn()
    [warning] = await strategy.said("strategy.without-quorum.v1")
    assert warning["discussion"] != str(failed[0])


async def test_an_invitation_that_a_relay_put_off_never_arrives_after_the_new_date(strategy: Strategy) -> None:
    strategy.medium.otherwise = SendResult(AttemptResult.RETRY, 451)
    await strategy.invite(POLICE, episode=uuid4())
    await strategy.hear(from_convenor(strategy, StrategyDiscussionRedated, starts_at=LATER))
    await strategy.sent(2)
    strategy.medium.otherwise = ACCEPTED
    await eventually(lambda: len(strategy.medium.sent) > 2)
    await strategy.floor.whatever_waits_is_sent()
    sequences = [int(event_of(strategy.read(each))["SEQUENCE"]) for each in strategy.medium.sent]
    assert sequences == sorted(sequences)
    assert sequences[-1] == 1


@pytest.mark.parametrize("ended_first", [True, False])
async def test_who_was_invited_hears_that_it_is_off_also_when_the_duty_has_ended(
    strategy: Strategy, ended_first: bool
) -> None:
    [told] = await strategy.invite(POLICE, episode=uuid4())
    withdrawn = replace(
        told, id=str(uuid4()), content=told.content.model_copy(update={"act": "withdraw", "revision": 2})
    )
    strategy.medium.otherwise = SendResult(AttemptResult.RETRY, 451)
    if ended_first:
        await strategy.hear(withdrawn)
    await strategy.hear(from_convenor(strategy, StrategyDiscussionCancelled))
    await strategy.sent(2)
    if not ended_first:
        await strategy.hear(withdrawn)
    strategy.medium.otherwise = ACCEPTED
    await eventually(lambda: len(strategy.medium.sent) > 2)
    assert str(event_of(strategy.newest(POLICE))["STATUS"]) == "CANCELLED"


async def test_a_reminder_that_comes_with_its_invitation_is_to_the_same_discussion(strategy: Strategy) -> None:
    """Though that is called off between the two: all in one transaction, of which nothing is written yet."""
    first = strategy.invitation(POLICE)
    about = {"duty": first.content.duty, "episode": first.content.episode}
    async with strategy.floor.store.transaction() as uow:
        await strategy.handlers.on_strategy_invite(first, uow)
        found = await uow.fetch(discussions.discussion_of_child(strategy.child, 1, exercise=False))
        assert found is not None
        await strategy.discussing.call_off(uow, found)
        await strategy.handlers.on_strategy_invite(strategy.invitation(POLICE, step=1, **about), uow)
    changed = await strategy.said("strategy-discussion.changed.v1")
    assert {each["discussion"] for each in changed} == {1}
