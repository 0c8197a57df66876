"""Handles the messages of carers: alerts, which it prepares when they are first sent, and the status of episodes."""

from typing import Any

from cachetools import TTLCache

from services.carers import messages
from services.carers.policy.context import PoliceStand
from services.carers.store import child_status, claims, conversations
from services.platform.delivery.channels.sms import LANE
from services.platform.delivery.model import Delivery, PreparedMessage, Undeliverable
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.messages.envelope import Received
from services.platform.register.child import code_of_child
from services.platform.register.directory import Holder, contact_by_person, duty_holders
from services.platform.register.keys import new_cache
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.care_events import ChildIdentified
from services.safeguarding.duty.decisions import EpisodeChanged, EpisodeState, ReportTaken
from services.safeguarding.duty.duties import CarerAlert, DutyFailed
from services.safeguarding.identifiers import derived, number_of
from services.safeguarding.roles import Wording

POLICE = {"police-system": PoliceStand.HAVE_IT, "officer": PoliceStand.ANSWERED}
"""By the `by` of `ReportTaken`."""
MOBILE = "people.mobile"


class Handlers:
    def __init__(self, delivery: DeliveryLoop, clocks: Clocks) -> None:
        self._delivery, self._clocks = delivery, clocks

    async def on_carer_alert(self, received: Received[CarerAlert], uow: UnitOfWork) -> None:
        """Each carer who is to be told has a text of their own."""
        duty = received.content
        if duty.act == "withdraw":
            await self._delivery.withdraw(uow, received)
            return
        holders = await uow.fetch(
            duty_holders(duty, child=received.subject, person=duty.person, at=self._clocks.story())
        )
        if not holders:
            nobody = DutyFailed(
                duty=duty.duty, step=duty.step, authority=duty.authority, episode=duty.episode, reason="nobody-in-role"
            )
            uow.publish(nobody, subject=received.subject, cause=received)
        for holder in holders:
            await self._delivery.put(uow, self._delivery_to(received, holder, alone=len(holders) == 1))

    async def on_episode_changed(self, received: Received[EpisodeChanged], uow: UnitOfWork) -> None:
        """An exercise changes no status: a real BACK or STATUS must not meet it. Nor does an episode that was merged:
        the child has the status of the other one, which may have been opened earlier.
        """
        episode = received.content
        if received.exercise or episode.state is EpisodeState.MERGED:
            return
        child_status.record_episode(uow, received.subject, episode, received.time)

    async def on_report_taken(self, received: Received[ReportTaken], uow: UnitOfWork) -> None:
        taken = received.content
        if received.exercise:
            return
        if taken.by in POLICE:
            child_status.record_police(uow, received.subject, taken.episode, POLICE[taken.by])
        else:
            child_status.record_duty_answer(uow, received.subject, taken.episode, answered=taken.holds)

    async def on_child_identified(self, received: Received[ChildIdentified], uow: UnitOfWork) -> None:
        """At the console, by an agency, by a colleague's text: the number's conversation goes on about the child."""
        if not received.exercise:
            conversations.take_identity(uow, received.subject, received.content.child)

    def _delivery_to(self, received: Received[CarerAlert], holder: Holder, *, alone: bool) -> Delivery:
        telling = received.content.telling
        own = telling if alone else derived("telling of", str(telling), holder.person)
        code = number_of(own) if messages.needs_no_answer(received.content.wording) else ""
        return Delivery.of(received, lane=LANE, now=self._clocks.wall(), person=holder.person, id=own, code=code)


class Alerts:
    def __init__(self, keyring: Keyring, clocks: Clocks) -> None:
        self._keyring, self._clocks = keyring, clocks
        self._child_codes: TTLCache[Any, Any] = new_cache()

    async def prepare(self, uow: UnitOfWork, delivery: Delivery) -> PreparedMessage | Undeliverable:
        """Not called for replies, whose number and words are there from the start."""
        if delivery.duty is None or delivery.person is None:
            return Undeliverable("nobody-in-role")
        found, code = await uow.fetch(
            contact_by_person(self._keyring, delivery.person), code_of_child(delivery.child, self._child_codes)
        )
        if found is None or found.mobile is None:
            return Undeliverable("no-address", delivery.person).having_read(MOBILE)
        confirm = None
        if delivery.duty.wording is Wording("confirm-return"):
            numbers = self._keyring.number_hashes(found.mobile)
            confirm = await claims.prolong(uow, numbers, delivery.child, self._clocks.story())
        body = messages.write_alert(
            delivery.duty.wording,
            found.language,
            delivery.code,
            exercise=delivery.exercise,
            child=None if delivery.duty.episode is None else code,
            confirm=confirm,
        )
        return PreparedMessage(found.mobile, body, delivery.person, (MOBILE,), number=found.mobile)
