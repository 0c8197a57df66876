"""Takes the key that somebody presses in a call of ours: 1 I have it, 2 I cannot, 9 again."""

from dataclasses import dataclass
from uuid import UUID

from services.platform.delivery import events
from services.platform.delivery.channels.sms import conversation_twiml, keys_callback, twiml
from services.platform.delivery.channels.voice import answered
from services.platform.delivery.model import Delivery, State
from services.platform.delivery.queue import repository as deliveries
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.identifiers import derived
from services.safeguarding.message import Message

HAVE_IT, CANNOT = "1", "2"


@dataclass(frozen=True)
class CallKeys:
    """For one service's own deliveries. A key that Twilio repeats has one effect and the same answer."""

    store: Store
    clocks: Clocks
    keyring: Keyring
    public_url: str

    async def press(self, name: UUID, key: str) -> str:
        """TwiML: what is said next. Commits before it answers. Any other key than those two says the text again."""
        async with self.store.transaction() as uow:
            found = await deliveries.lock(uow, name)
            body = "" if found is None else await deliveries.body_of(uow.connection, self.keyring, found[0]) or ""
            if found is None or found[0].duty is None or found[1] is State.WITHDRAWN:
                return conversation_twiml([answered(body, "over")])
            if key not in {HAVE_IT, CANNOT}:
                return twiml(body, keys_callback(self.public_url, name))
            return conversation_twiml([answered(body, await self._answer(uow, *found, key))])

    async def _answer(self, uow: UnitOfWork, delivery: Delivery, state: State, key: str) -> str:
        """Who could not take it may still say that they have it; who has it keeps it."""
        duty, now = delivery.duty, self.clocks.wall()
        if duty is None or state is State.ACKNOWLEDGED:
            return "have-it"
        if key == HAVE_IT:
            self._publish(uow, delivery, events.acknowledged(duty, "call", by=delivery.person), key)
            await deliveries.acknowledge(uow, duty.duty, duty.step, now)
            return "have-it"
        if state is not State.FAILED:
            declined = events.failed(uow, delivery, "declined", delivery.person, given_up=False)
            self._publish(uow, delivery, declined, key)
            await deliveries.pass_on(uow, delivery.id, now)
        return "cannot"

    @staticmethod
    def _publish(uow: UnitOfWork, delivery: Delivery, message: Message | None, key: str) -> None:
        name = str(derived("key", str(delivery.id), key))
        uow.publish(message, subject=delivery.child, cause=delivery, message_id=name)
