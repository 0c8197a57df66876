"""What carers hears: whom of them to tell what, and how their children's episodes stand."""

from services.carers.store import child_status
from services.platform.delivery.channels.sms import LANE
from services.platform.delivery.model import Delivery
from services.platform.delivery.sending.resend import send_again
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.messages.envelope import Received
from services.platform.register import directory
from services.platform.register.directory import Holder
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.decisions import OVER, EpisodeChanged, EpisodeState, ReportTaken
from services.safeguarding.duties import CarerAlert, DutySendAgain
from services.safeguarding.identifiers import derived
from services.safeguarding.outcomes import DutyFailed

SERVICE = "carers"
POLICE_STAND = {"police-system": "have-it", "officer": "answered"}


class Handlers:
    def __init__(self, delivery: DeliveryLoop, clocks: Clocks) -> None:
        self._delivery = delivery
        self._clocks = clocks

    async def on_carer_alert(self, received: Received[CarerAlert], uow: UnitOfWork) -> None:
        """Each carer meant has a text of their own."""
        duty = received.content
        if duty.act == "withdraw":
            await self._delivery.withdraw(uow, received)
            return
        holders = await directory.who_holds(
            duty.role,
            authority=duty.authority,
            child=received.subject,
            person=duty.person,
            placement=duty.placement,
            at=self._clocks.story(),
        ).ask(uow.connection)
        if not holders:
            await self._nobody(received, uow)
        for holder in holders:
            await self._delivery.put(uow, self._parcel(received, holder, alone=len(holders) == 1))

    async def on_duty_send_again(self, received: Received[DutySendAgain], uow: UnitOfWork) -> None:
        await send_again(self._delivery, uow, received, self._clocks.wall())

    async def on_episode_changed(self, received: Received[EpisodeChanged], uow: UnitOfWork) -> None:
        """What is only practised leaves a child where it is: a real BACK, or a real STATUS, must not meet it. One that goes on in
        another leaves the child as that other stands, which it may have been opened after.
        """
        episode = received.content
        if received.exercise or episode.state is EpisodeState.MERGED:
            return
        child_status.episode_changed(
            uow,
            received.subject,
            episode.episode,
            opened_at=episode.opened_at,
            revision=episode.revision,
            state=None if episode.state in OVER else episode.state,
            ends_on_word=episode.ends_on_word,
            at=received.time,
        )

    async def on_report_taken(self, received: Received[ReportTaken], uow: UnitOfWork) -> None:
        taken = received.content
        if received.exercise:
            return
        if taken.by in POLICE_STAND:
            child_status.police_stand(uow, received.subject, taken.episode, POLICE_STAND[taken.by])
        else:
            child_status.duty_answered(uow, received.subject, taken.episode, answered=taken.holds)

    def _parcel(self, received: Received[CarerAlert], holder: Holder, *, alone: bool) -> Delivery:
        telling = received.content.telling
        own = telling if alone else derived("telling of", str(telling), holder.person)
        return Delivery.of(received, lane=LANE, now=self._clocks.wall(), person=holder.person, id=own)

    async def _nobody(self, received: Received[CarerAlert], uow: UnitOfWork) -> None:
        duty = received.content
        failed = DutyFailed(
            duty=duty.duty, step=duty.step, authority=duty.authority, episode=duty.episode, reason="nobody-in-role"
        )
        uow.publish(failed, subject=received.subject, cause=received)
