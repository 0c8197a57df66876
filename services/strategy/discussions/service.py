"""What is done with a discussion: planned, moved, called off, replied to; each said, and told to everyone invited."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.platform.delivery.channels import email
from services.platform.delivery.model import Delivery
from services.platform.delivery.queue import repository as deliveries
from services.platform.delivery.queue.repository import supersede
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.discussion_events import (
    StrategyCounterProposed,
    StrategyQuorumReached,
    StrategyRecordDue,
    StrategyWithoutQuorum,
)
from services.safeguarding.duty.duties import Duty
from services.safeguarding.duty.outcomes import DutyAcknowledged, DutyFailed, StrategyDiscussionChanged
from services.safeguarding.identifiers import ChildId, derived
from services.safeguarding.message import Message
from services.strategy import metrics
from services.strategy.discussions import repository as discussions
from services.strategy.discussions.events import SERVICE
from services.strategy.discussions.policy import ANSWERS, Reply, Seat, lacking
from services.strategy.discussions.repository import Attendee, Discussion

BEYOND_WITHDRAWAL = 2_000_000_000
"""The duty's revision under which news goes out. What ends a duty, such as the child's return or the discussion's end, withdraws
what is on its way; whoever has the entry in their calendar must hear what becomes of it all the same.
"""


@dataclass(frozen=True)
class DiscussionService:
    """Everything within the caller's transaction, in which the discussion is held."""

    loop: DeliveryLoop
    clocks: Clocks

    async def move(self, uow: UnitOfWork, found: Discussion, starts_at: datetime) -> None:
        """To the same time again changes nothing."""
        if starts_at == found.starts_at:
            return
        moved = await discussions.change(
            uow, found, state=discussions.PLANNED, starts_at=starts_at, asked_again_at=self.clocks.story()
        )
        uow.on_commit(metrics.DISCUSSIONS.labels("moved").inc)
        await self._tell_everyone(uow, moved)

    async def call_off(self, uow: UnitOfWork, found: Discussion) -> None:
        called_off = await discussions.change(
            uow, found, state=discussions.CANCELLED, starts_at=found.starts_at, asked_again_at=None
        )
        uow.on_commit(metrics.DISCUSSIONS.labels("called-off").inc)
        await self._tell_everyone(uow, called_off)

    async def goes_into(self, uow: UnitOfWork, found: Discussion, episode: UUID, child: ChildId) -> None:
        """The discussion's episode turned out to be part of this one. Nobody discusses one child twice: where that has a discussion
        of the same form this one is called off, and where it has none it becomes that episode's.
        """
        if any(each.form == found.form for each in await discussions.of_episode(uow, episode)):
            await self.call_off(uow, found)
        else:
            await self.stands(uow, await discussions.of_another(uow, found, episode, child))

    async def take(
        self,
        uow: UnitOfWork,
        found: Discussion,
        attendee: Attendee,
        reply: Reply,
        *,
        how: str,
        proposes: datetime | None = None,
    ) -> None:
        """The same reply again changes nothing."""
        if reply is attendee.reply and reply is not Reply.COUNTER:
            return
        everyone = await discussions.replied(uow, found, attendee, reply, self.clocks.story())
        outcome = self._outcome(found, attendee, reply, how)
        if outcome is not None:
            trace = await deliveries.trace_of(uow.connection, attendee.delivery)
            uow.publish(outcome, subject=found.child, cause=found, trace=trace)
        if proposes is not None and reply is Reply.COUNTER:
            counter = StrategyCounterProposed(
                authority=found.authority,
                episode=found.episode,
                discussion=found.number,
                role=attendee.role,
                starts_at=proposes,
            )
            uow.publish(counter, subject=found.child, cause=found)
        before = [replace(each, reply=attendee.reply) if _same(each, attendee) else each for each in everyone]
        await self._quorum(uow, found, _lacking(before), _lacking(everyone))
        await self._says_how_it_stands(uow, found, everyone)

    async def _quorum(
        self, uow: UnitOfWork, found: Discussion, before: tuple[Seat, ...], now_lacking: tuple[Seat, ...]
    ) -> None:
        """Whoever convenes hears when it is reached, and when it is lost again once they have been told how it stands."""
        if before and not now_lacking:
            reached = StrategyQuorumReached(authority=found.authority, episode=found.episode, discussion=found.number)
            uow.publish(reached, subject=found.child, cause=found)
        elif now_lacking and not before and self.clocks.story() >= found.warns_at:
            await self.warn(uow, found)

    async def was_held(self, uow: UnitOfWork, found: Discussion) -> None:
        """Everyone invited gets the record by link. The calendar's entry stays: it did take place."""
        held = await discussions.recorded(uow, found)
        await self._tell_everyone(uow, held)

    async def ask_for_record(self, uow: UnitOfWork, found: Discussion) -> None:
        due = StrategyRecordDue(authority=found.authority, episode=found.episode, discussion=found.number)
        uow.publish(due, subject=found.child, cause=found)

    async def warn(self, uow: UnitOfWork, found: Discussion) -> tuple[Seat, ...]:
        """Says which seats of the quorum nobody has taken, if any."""
        seats = _lacking(await discussions.attendees_of(uow.connection, found.discussion))
        if seats:
            without = StrategyWithoutQuorum(
                authority=found.authority, episode=found.episode, discussion=found.number, lacking=seats
            )
            uow.publish(without, subject=found.child, cause=found)
        return seats

    async def stands(self, uow: UnitOfWork, found: Discussion) -> None:
        everyone = await discussions.attendees_of(uow.connection, found.discussion)
        await self._says_how_it_stands(uow, found, everyone)

    async def _says_how_it_stands(self, uow: UnitOfWork, found: Discussion, attendees: Sequence[Attendee]) -> None:
        roles = {reply: tuple(dict.fromkeys(a.role for a in attendees if a.reply is reply)) for reply in Reply}
        changed = StrategyDiscussionChanged(
            authority=found.authority,
            episode=found.episode,
            discussion=found.number,
            sequence=found.sequence,
            state=found.state,
            form=found.form,
            starts_at=found.starts_at,
            coming=roles[Reply.ACCEPTED],
            declined=roles[Reply.DECLINED],
            waited_for=(*roles[Reply.WAITING], *roles[Reply.TENTATIVE], *roles[Reply.COUNTER]),
            quorum="not-reached" if _lacking(attendees) else "reached",
        )
        uow.publish(changed, subject=found.child, cause=found)

    def _outcome(self, found: Discussion, attendee: Attendee, reply: Reply, how: str) -> Message | None:
        named = {
            "duty": attendee.duty,
            "step": attendee.step,
            "authority": found.authority,
            "episode": found.episode,
        }
        if reply in ANSWERS:
            return DutyAcknowledged.model_validate(named | {"by": attendee.person, "how": how})
        if reply is Reply.DECLINED:
            return DutyFailed.model_validate(named | {"person": attendee.person, "reason": "declined"})
        return None

    async def _tell_everyone(self, uow: UnitOfWork, found: Discussion) -> None:
        """A parcel each under an id that follows from the sequence: a handler that runs again tells nobody twice."""
        for attendee in await discussions.attendees_of(uow.connection, found.discussion):
            first = await deliveries.find(uow.connection, attendee.delivery)
            if first is not None and first.duty is not None:
                news = self._news(first, first.duty, found)
                await supersede(uow, SERVICE, first.duty, by=news.id, at=news.created_at)
                await self.loop.put(uow, news)
        await self.stands(uow, found)

    def _news(self, first: Delivery, duty: Duty, found: Discussion) -> Delivery:
        what = "strategy record" if found.state == discussions.HELD else "strategy news"
        name = derived(what, str(first.id), str(found.sequence))
        lasting = duty.model_copy(update={"revision": BEYOND_WITHDRAWAL})
        return replace(first, id=name, duty=lasting, lane=email.LANE, created_at=self.clocks.wall())


def _same(one: Attendee, other: Attendee) -> bool:
    return (one.duty, one.step) == (other.duty, other.step)


def _lacking(attendees: Sequence[Attendee]) -> tuple[Seat, ...]:
    return lacking(discussions.attendance(attendees))
