"""What carers hears: whom of them to tell what, and how their children's episodes stand."""

from collections.abc import Mapping
from typing import Literal

from services.bus.envelope import Received, say
from services.bus.handling import Handler, PassesOver
from services.carers.store import standings
from services.delivery.loop import DeliveryLoop
from services.delivery.parcel import Parcel
from services.delivery.sending_again import send_again
from services.delivery.text import LANE
from services.register import directory
from services.register.directory import Holder
from services.runtime.clocks import Clocks
from services.safeguarding.decisions import DutyChanged, DutyState, EpisodeChanged, EpisodeState
from services.safeguarding.duties import CarerAlert, DutySendAgain
from services.safeguarding.identifiers import derived
from services.safeguarding.message import Message
from services.safeguarding.outcomes import DutyFailed
from services.safeguarding.roles import Role, Wording
from services.store.transaction import Transaction

SERVICE = "carers"
OVER = frozenset({EpisodeState.CLOSED, EpisodeState.RETRACTED})
TAKEN = frozenset({"accepted", "delivered", "acknowledged"})


class Handlers:
    def __init__(self, delivery: DeliveryLoop, clocks: Clocks) -> None:
        self._delivery = delivery
        self._clocks = clocks

    def by_message(self) -> Mapping[type[Message], Handler]:
        return {
            CarerAlert: self.on_carer_alert,
            DutySendAgain: self.on_duty_send_again,
            EpisodeChanged: self.on_episode_changed,
            DutyChanged: self.on_duty_changed,
        }

    async def on_carer_alert(self, received: Received[CarerAlert], transaction: Transaction) -> None:
        """Each carer meant has a text of their own."""
        duty = received.content
        if duty.act == "withdraw":
            await self._delivery.withdraw(transaction, received)
            return
        holders = await directory.holders(
            transaction.connection,
            duty.role,
            authority=duty.authority,
            child=received.subject,
            person=duty.person,
            placement=duty.placement,
            at=self._clocks.story(),
        )
        if not holders:
            await self._nobody(received, transaction)
        for holder in holders:
            await self._delivery.put(transaction, self._parcel(received, holder, alone=len(holders) == 1))

    async def on_duty_send_again(self, received: Received[DutySendAgain], transaction: Transaction) -> None:
        await send_again(self._delivery, transaction, received, self._clocks.wall())

    async def on_episode_changed(self, received: Received[EpisodeChanged], transaction: Transaction) -> None:
        """What is only practised leaves a child where it is: a real BACK, or a real STATUS, must not meet it."""
        if received.exercise:
            return
        episode = received.content
        standings.episode_changed(
            transaction,
            received.subject,
            episode.episode,
            opened_at=episode.opened_at,
            revision=episode.revision,
            state=None if episode.state in OVER else episode.state,
            at=received.time,
        )

    async def on_duty_changed(self, received: Received[DutyChanged], transaction: Transaction) -> None:
        """What a carer who asks is told: whether police have it, whether somebody there and of the duty team has answered."""
        duty, told = received.content, news_in(received.content)
        if duty.episode is None or told is None or received.exercise:
            return
        if told == "duty-answered":
            standings.duty_answered(transaction, received.subject, duty.episode)
        else:
            standings.police_stand(transaction, received.subject, duty.episode, told)

    def _parcel(self, received: Received[CarerAlert], holder: Holder, *, alone: bool) -> Parcel:
        telling = received.content.telling
        own = telling if alone else derived("telling of", str(telling), holder.person)
        return Parcel.of(received, lane=LANE, now=self._clocks.wall(), person=holder.person, id=own)

    async def _nobody(self, received: Received[CarerAlert], transaction: Transaction) -> None:
        duty = received.content
        failed = DutyFailed(
            duty=duty.duty, step=duty.step, authority=duty.authority, episode=duty.episode, reason="nobody-in-role"
        )
        await say(
            transaction,
            failed,
            said_by=SERVICE,
            subject=received.subject,
            at=self._clocks.story(),
            now=self._clocks.wall(),
            exercise=received.exercise,
            trace=received.trace,
        )


def news_in(duty: DutyChanged) -> Literal["have-it", "answered", "duty-answered"] | None:
    """What a change of a duty means to a carer who asks; most changes mean nothing."""
    to_police = [step for step in duty.steps if step.role is Role.POLICE_CONTROL_ROOM]
    if duty.wording is Wording.MISSING_NOTICE and to_police:
        if any(step.state == "acknowledged" for step in to_police):
            return "answered"
        return "have-it" if any(step.state in TAKEN for step in to_police) else None
    if duty.state is DutyState.ACKNOWLEDGED and any(step.role.startswith("duty.") for step in duty.steps):
        return "duty-answered"
    return None


PASSES_OVER: Mapping[type[Message], PassesOver] = {
    DutyChanged: lambda duty: duty.episode is None or news_in(duty) is None
}
