"""Handles `strategy.invite` duties, and what the convener does with a discussion."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from services.platform.delivery.channels.email import LANE
from services.platform.delivery.model import Delivery
from services.platform.delivery.queue.repository import lock_stopped
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.messages.envelope import Received
from services.platform.runtime.clocks import Clocks
from services.platform.store.query import Query, Rows
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.discussion_events import (
    StrategyDiscussionCancelled,
    StrategyDiscussionHeld,
    StrategyDiscussionRedated,
)
from services.safeguarding.duty.decisions import OVER, EpisodeChanged, EpisodeState
from services.safeguarding.duty.duties import StrategyInvite
from services.safeguarding.meetings import Form
from services.strategy import records
from services.strategy.discussions import repository as discussions
from services.strategy.discussions import service
from services.strategy.discussions.repository import Discussion, State

MATTERS = OVER | {EpisodeState.RETURNED}
"""The states of an episode in which a rule may call a discussion off."""


def changes_no_discussion(episode: EpisodeChanged) -> bool:
    """No rule calls a discussion off in this state, no other episode takes it over, and the child's id is the same."""
    return episode.state not in MATTERS and episode.revision == 1


def lock_changed(messages: Collection[Received[Any]]) -> list[Query[Rows]]:
    """Before mails that are withdrawn, what other messages of their children may change: those have mails as well."""
    stopped = lock_stopped(messages)
    return [discussions.lock_of_children({each.subject for each in messages}), *stopped] if stopped else []


@dataclass(frozen=True)
class Handlers:
    loop: DeliveryLoop
    clocks: Clocks
    discussion_service: service.DiscussionService
    record_service: records.RecordService

    async def on_strategy_invite(self, received: Received[StrategyInvite], uow: UnitOfWork) -> None:
        if received.content.act == "withdraw":
            await self.loop.withdraw(uow, received)
            return
        meets = received.content.meets
        if meets is None:
            await self._ask_for_record(received, uow)
            return
        discussion, is_new = await service.plan(uow, received, meets, self.clocks.story())
        if discussion.state != discussions.PLANNED:
            return
        discussions.invite(uow, discussion.discussion, received.content)
        await self.loop.put(uow, Delivery.of(received, lane=LANE, now=self.clocks.wall()))
        if is_new:
            uow.on_commit(service.DISCUSSIONS.labels("planned").inc)
            await self.discussion_service.publish_state(uow, discussion)

    async def _ask_for_record(self, received: Received[StrategyInvite], uow: UnitOfWork) -> None:
        """Does nothing if the discussion has been recorded meanwhile."""
        duty = received.content
        episode = duty.episode or duty.refers_to
        found = None if episode is None else await uow.fetch(discussions.discussion_without_record(episode))
        if found is not None:
            records.ask(uow, found.discussion, duty)
            await self.loop.put(uow, Delivery.of(received, lane=LANE, now=self.clocks.wall()))

    async def on_strategy_discussion_held(self, received: Received[StrategyDiscussionHeld], uow: UnitOfWork) -> None:
        """Takes an agency's record. Our own page has taken its own already."""
        held = received.content
        if held.channel == "page":
            return
        states = (discussions.PLANNED, discussions.HELD)
        found = await uow.fetch(_discussion_of(received, states=states, form=held.form))
        name = f"{received.source} {received.id}"
        await self.record_service.take(uow, found, held, child=received.subject, cause=received, name=name)

    async def on_strategy_discussion_redated(
        self, received: Received[StrategyDiscussionRedated], uow: UnitOfWork
    ) -> None:
        """Does nothing if the discussion is unknown or called off."""
        found = await uow.fetch(_discussion_of(received))
        if found is not None:
            await self.discussion_service.move(uow, found, received.content.starts_at)

    async def on_strategy_discussion_cancelled(
        self, received: Received[StrategyDiscussionCancelled], uow: UnitOfWork
    ) -> None:
        form = received.content.form
        found = await uow.fetch(_discussion_of(received, form=form))
        if found is not None and form in {None, found.form}:
            await self.discussion_service.call_off(uow, found)

    async def on_episode_changed(self, received: Received[EpisodeChanged], uow: UnitOfWork) -> None:
        """A report that was a mistake needs no discussion. A child who is back may need one: the rule says which states
        end it. A child who was reported without a name gets another id once a person has said which child it is.
        """
        episode = received.content
        await discussions.set_child(uow, episode.episode, received.subject, merged_into=episode.merged_into)
        into = episode.merged_into
        if into is not None:
            await self.discussion_service.merge_episodes(uow, episode.episode, into, received.subject)
            return
        for found in await uow.fetch(discussions.planned_discussions(episode.episode)):
            if episode.state in found.unless:
                await self.discussion_service.call_off(uow, found)


def _discussion_of(
    received: Received[StrategyDiscussionHeld]
    | Received[StrategyDiscussionRedated]
    | Received[StrategyDiscussionCancelled],
    *,
    states: Sequence[State] = (discussions.PLANNED,),
    form: Form | None = None,
) -> Query[Discussion | None]:
    """The discussion that the message names."""
    named = received.content
    return discussions.discussion_of_child(
        received.subject, named.discussion, exercise=received.exercise, states=states, form=form, episode=named.episode
    )
