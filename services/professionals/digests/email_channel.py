"""Sends no mail twice to one reader: a delivery that went in another's mail is taken when that mail is."""

import asyncio
from collections import deque
from uuid import UUID

from services.platform.delivery.channels.channel import ChannelSender, SendRequest, SendResult
from services.platform.delivery.inbound_mail.classifier import OURS
from services.platform.delivery.model import MediumName, State
from services.platform.store.query import Query, scalar
from services.platform.store.unit_of_work import Store
from services.safeguarding.duty.evidence import AttemptResult

TAKEN = frozenset({State.ACCEPTED, State.DELIVERED, State.ACKNOWLEDGED})
WAITS_SECONDS = 3.0
LOOKS_EVERY_SECONDS = 0.1
REMEMBERED = 200
"""Mails that this process saw taken: most deliveries of a mail are sent right after its first."""
STATE = "SELECT state FROM delivery.deliveries WHERE id = %(delivery)s"
MAIL_TAKEN = 250


class GroupedMail:
    """Wraps the channel of mails. If the leader's mail is not taken soon, the same mail is sent for the other delivery
    too, under the same Message-ID: a mailbox shows it once.
    """

    name: MediumName = "email"

    def __init__(self, channel: ChannelSender, store: Store) -> None:
        self._channel, self._store = channel, store
        self._under_way: set[UUID] = set()
        self._taken_lately: deque[UUID] = deque(maxlen=REMEMBERED)

    async def start(self) -> None:
        await self._channel.start()

    async def stop(self) -> None:
        await self._channel.stop()

    async def send(self, request: SendRequest) -> SendResult:
        leader = leader_of(request)
        if leader != request.id and await self._is_taken(leader):
            return SendResult(AttemptResult.ACCEPTED, MAIL_TAKEN)
        self._under_way.add(leader)
        try:
            result = await self._channel.send(request)
        finally:
            self._under_way.discard(leader)
        if result.result is AttemptResult.ACCEPTED:
            self._taken_lately.append(leader)
        return result

    async def _is_taken(self, leader: UUID) -> bool:
        """Waits some seconds for it. If this process does not send it, its row says so."""
        for _ in range(round(WAITS_SECONDS / LOOKS_EVERY_SECONDS)):
            await asyncio.sleep(LOOKS_EVERY_SECONDS)
            if leader in self._taken_lately:
                return True
            if leader in self._under_way:
                continue
            async with self._store.read() as reader:
                if await reader.fetch(Query(STATE, {"delivery": leader}, scalar)) in TAKEN:
                    return True
        return False


def leader_of(request: SendRequest) -> UUID:
    """The delivery whose mail this is: its Message-ID."""
    named = OURS.search(request.body.partition("\r\n\r\n")[0].encode())
    return request.id if named is None else UUID(named[1].decode())
