"""Whoever locks a discussion and rows of its mails locks the discussion first, and the rows in one order: else each of
two may hold what the other waits for, until PostgreSQL ends one of them.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeAlias, cast
from uuid import UUID, uuid4

import pytest

from services.platform.bus.message_processor import MessageProcessor, Prefetch, Subscription
from services.platform.bus.outbox_relay import OutboxRelay
from services.platform.delivery.inbound_mail.classifier import MailKind, ReadMail
from services.platform.delivery.inbound_mail.mailbox import MailAnswers
from services.platform.messages.envelope import Raw
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, scalar
from services.safeguarding.duty.duties import DutySendAgain, StrategyInvite
from services.safeguarding.message import Topic
from services.safeguarding.roles import Role, Wording
from services.strategy.discussions import repository as discussions
from services.strategy.discussions.repository import Discussion
from services.strategy.handlers import lock_changed
from services.strategy.web import Replies
from tests.integration.strategy.test_discussions import merged as merged_into
from tests.integration.strategy.test_records import FILLED, link_in, over
from tests.support.engines.database import Database
from tests.support.in_process.delivery import LOCKED, WAITS, waits_without_holding
from tests.support.in_process.strategy import HEALTH, POLICE, SOCIAL, Strategy, running_strategy
from tests.support.signatures import SPEAKERS, say

Act: TypeAlias = Callable[[Strategy, Keyring, list[Any]], Coroutine[Any, Any, None]]


@pytest.fixture
async def strategy(database: Database, keyring: Keyring) -> AsyncIterator[Strategy]:
    async with running_strategy(database, keyring) as running:
        yield running


async def attempts_begin(strategy: Strategy, _: Keyring, told: list[Any]) -> None:
    """Of two mails together."""
    async with strategy.floor.store.transaction() as uow:
        for each in told:
            duty = each.content
            asked = DutySendAgain(duty=duty.duty, step=duty.step, authority=duty.authority, asked=uuid4())
            await strategy.floor.loop.send_again(replace(each, content=asked), uow)
    await strategy.sent(4)


async def take_mail(strategy: Strategy, keyring: Keyring, kind: MailKind, refers_to: UUID, sender: str) -> None:
    answers = MailAnswers(keyring, strategy.floor.clocks)
    replies = Replies(strategy.floor.store, keyring, strategy.discussing, answers)
    await replies.take(ReadMail(sender, kind, refers_to, authenticated=True, words="I am away until Monday."))


async def a_mail_bounces(strategy: Strategy, keyring: Keyring, told: list[Any]) -> None:
    await take_mail(strategy, keyring, MailKind.BOUNCED, told[0].content.telling, "relay@kestrel.example")


async def somebody_is_away(strategy: Strategy, keyring: Keyring, told: list[Any]) -> None:
    await take_mail(strategy, keyring, MailKind.AWAY, told[0].content.telling, strategy.address(POLICE))


async def a_stranger_is_away(strategy: Strategy, keyring: Keyring, told: list[Any]) -> None:
    await take_mail(strategy, keyring, MailKind.AWAY, told[0].content.telling, "stranger@kestrel.example")


async def one_is_withdrawn_as_another_is_invited(strategy: Strategy, _: Keyring, told: list[Any]) -> None:
    class Published:
        async def wait_published(self, _: Any) -> None: ...

    processor = MessageProcessor(
        "strategy",
        strategy.floor.store,
        cast("OutboxRelay", Published()),
        strategy.floor.clocks,
        SPEAKERS,
        [Subscription(StrategyInvite, strategy.handlers.on_strategy_invite)],
        prefetch=Prefetch(lock_changed),
        most_bundles=8,
    )
    withdrawn = told[0].content.model_copy(update={"act": "withdraw"})
    invited = strategy.invitation(SOCIAL, episode=told[0].content.episode).content
    raws = [
        Raw(say(each, subject=strategy.child, at=told[0].time), Topic.DUTIES, f"duties/0/{uuid4().int}")
        for each in (withdrawn, invited)
    ]
    assert await processor.process_batch(raws) == 2


@pytest.mark.parametrize(
    "act",
    [attempts_begin, a_mail_bounces, somebody_is_away, a_stranger_is_away, one_is_withdrawn_as_another_is_invited],
    ids=lambda act: act.__name__,
)
async def test_whoever_waits_for_a_discussion_holds_none_of_its_mails(
    strategy: Strategy, keyring: Keyring, act: Act
) -> None:
    episode = uuid4()
    told = await strategy.invite(POLICE, HEALTH, episode=episode)
    async with strategy.floor.store.transaction() as uow:
        await uow.fetch(discussions.planned_discussions(episode))
        acts = asyncio.create_task(act(strategy, keyring, told))
        await until_it_waits(uow, acts)
        mails = await uow.fetch(Query(MAILS, {"duties": [each.content.duty for each in told]}, lambda rows: rows))
        for (mail,) in mails:
            assert await uow.fetch(Query(LOCKED, {"id": mail}, scalar)) == mail
    await acts


MAILS = "SELECT id FROM delivery.deliveries WHERE duty = ANY(%(duties)s)"


async def until_it_waits(uow: Any, acts: asyncio.Task[None]) -> None:
    async with asyncio.timeout(60):
        while not await uow.fetch(Query(WAITS, {}, scalar)):
            assert not acts.done(), "it needed no lock"
            await asyncio.sleep(0.01)


async def planned(strategy: Strategy, episode: UUID, wording: str) -> Discussion:
    await strategy.hear(strategy.invitation(POLICE, episode=episode, wording=Wording(wording)))
    await strategy.floor.idle()
    async with strategy.floor.store.transaction() as uow:
        return max(await uow.fetch(discussions.planned_discussions(episode)), key=lambda found: found.number)


@pytest.mark.parametrize("of_one_episode", [True, False])
async def test_an_episode_s_discussions_are_locked_in_one_order(strategy: Strategy, *, of_one_episode: bool) -> None:
    """Whichever was planned first."""
    merged, goes_on = uuid4(), uuid4()
    while True:
        first = await planned(strategy, merged, "strategy-discussion")
        second = await planned(strategy, merged if of_one_episode else goes_on, "full-meeting")
        if second.discussion < first.discussion:
            break
        merged, goes_on = uuid4(), uuid4()
    async with strategy.floor.store.transaction() as uow:
        await uow.fetch(discussions.discussion_by_id(second.discussion))
        acts = asyncio.create_task(merged_into(strategy, merged, goes_on))
        await until_it_waits(uow, acts)
        assert await uow.fetch(Query(DISCUSSION_LOCKED, {"id": first.discussion}, scalar)) == first.discussion
    await acts


DISCUSSION_LOCKED = "SELECT discussion FROM discussions WHERE discussion = %(id)s FOR UPDATE NOWAIT"


async def test_a_record_locks_the_mail_of_whoever_writes_it_in_the_order_of_all(strategy: Strategy) -> None:
    episode = uuid4()
    while True:
        invited = strategy.invitation(POLICE, episode=episode)
        asks = strategy.invitation(Role.CHILD_SOCIAL_WORKER, episode=episode, wording=Wording("strategy-record"))
        low, high = asks.content.telling, invited.content.telling
        if low < high:
            break
    await strategy.hear(invited)
    await strategy.sent(1)
    await over(strategy)
    await strategy.hear(asks)
    await strategy.sent(2)

    async def record() -> None:
        answered = await strategy.web.post(link_in(strategy, SOCIAL), data=FILLED | {"came": [POLICE]})
        assert "The discussion is recorded" in answered.text

    await waits_without_holding(strategy.floor.store, low, high, record)
