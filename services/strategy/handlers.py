"""`strategy.invite` duties, and what whoever convenes does with a discussion."""

from dataclasses import dataclass

from services.platform.bus.envelope import Received
from services.platform.delivery.channels.email import LANE
from services.platform.delivery.model import Delivery
from services.platform.delivery.sending.resend import send_again
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import Transaction
from services.safeguarding.decisions import OVER, EpisodeChanged, EpisodeState
from services.safeguarding.discussion_events import (
    StrategyDiscussionCancelled,
    StrategyDiscussionHeld,
    StrategyDiscussionRedated,
)
from services.safeguarding.duties import DutySendAgain, StrategyInvite
from services.strategy import metrics
from services.strategy.discussions import attendees
from services.strategy.discussions import repository as discussions
from services.strategy.discussions.schedule import plan
from services.strategy.discussions.service import DiscussionService
from services.strategy.records import repository as records
from services.strategy.records.service import About, RecordService


@dataclass(frozen=True)
class Handlers:
    loop: DeliveryLoop
    clocks: Clocks
    discussing: DiscussionService
    recording: RecordService

    async def on_strategy_invite(self, received: Received[StrategyInvite], transaction: Transaction) -> None:
        if received.content.act == "withdraw":
            await self.loop.withdraw(transaction, received)
            return
        meets = received.content.meets
        if meets is None:
            await self._ask_for_record(received, transaction)
            return
        discussion, is_new = await plan(transaction, received, meets, self.clocks.story())
        if discussion.state != discussions.PLANNED:
            return
        attendees.invite(transaction, discussion.discussion, received.content)
        await self.loop.put(transaction, Delivery.of(received, lane=LANE, now=self.clocks.wall()))
        if is_new:
            transaction.after_commit(metrics.DISCUSSIONS.labels("planned").inc)
            await self.discussing.stands(transaction, discussion)

    async def _ask_for_record(self, received: Received[StrategyInvite], transaction: Transaction) -> None:
        """One that has been recorded meanwhile is not asked for."""
        duty = received.content
        episode = duty.episode or duty.refers_to
        found = None if episode is None else await records.to_record(transaction, episode)
        if found is not None:
            await records.ask(transaction, found.discussion, duty)
            await self.loop.put(transaction, Delivery.of(received, lane=LANE, now=self.clocks.wall()))

    async def on_strategy_discussion_held(
        self, received: Received[StrategyDiscussionHeld], transaction: Transaction
    ) -> None:
        """From an agency. What our own page recorded, it has taken in already."""
        held = received.content
        if held.channel == "page":
            return
        found = await discussions.of_child(
            transaction,
            received.subject,
            held.discussion,
            exercise=received.exercise,
            states=(discussions.PLANNED, discussions.HELD),
            form=held.form,
            episode=held.episode,
        )
        cause = f"{received.source} {received.id}"
        about = About(received.subject, held.authority, received.exercise, received.trace, cause)
        await self.recording.take(transaction, found, held, about)

    async def on_duty_send_again(self, received: Received[DutySendAgain], transaction: Transaction) -> None:
        await send_again(self.loop, transaction, received, self.clocks.wall())

    async def on_strategy_discussion_redated(
        self, received: Received[StrategyDiscussionRedated], transaction: Transaction
    ) -> None:
        """One that nobody knows of, or that is called off, is passed over: there is nothing to move."""
        moved = received.content
        found = await discussions.of_child(
            transaction, received.subject, moved.discussion, exercise=received.exercise, episode=moved.episode
        )
        if found is not None:
            await self.discussing.move(transaction, found, moved.starts_at)

    async def on_strategy_discussion_cancelled(
        self, received: Received[StrategyDiscussionCancelled], transaction: Transaction
    ) -> None:
        called_off = received.content
        found = await discussions.of_child(
            transaction,
            received.subject,
            called_off.discussion,
            exercise=received.exercise,
            form=called_off.form,
            episode=called_off.episode,
        )
        if found is not None and called_off.form in {None, found.form}:
            await self.discussing.call_off(transaction, found)

    async def on_episode_changed(self, received: Received[EpisodeChanged], transaction: Transaction) -> None:
        """A report that was a mistake needs no discussion. One about a child who is back may: the rule says which states end it.
        Who was reported without a name goes by its own name once a person has said which child it is.
        """
        episode = received.content
        await discussions.of_known_child(transaction, episode.episode, received.subject)
        for found in await discussions.of_episode(transaction, episode.episode):
            if episode.merged_into is not None:
                await self.discussing.goes_into(transaction, found, episode.merged_into, received.subject)
            elif episode.state in found.unless:
                await self.discussing.call_off(transaction, found)


def goes_on(episode: EpisodeChanged) -> bool:
    """Whether no rule can call a discussion off on this, no other episode takes it over, and it cannot say who the child is."""
    return episode.state not in MATTERS and episode.revision == 1


MATTERS = OVER | {EpisodeState.RETURNED}
