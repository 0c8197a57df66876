"""Sends one mail or text for several deliveries. Those that went in the leader's message are accepted when it is."""

import asyncio
from collections import deque
from uuid import UUID

from services.platform.delivery.channels.channel import ChannelSender, SendRequest, SendResult
from services.platform.delivery.inbound_mail.classifier import OURS
from services.platform.delivery.model import MediumName, State
from services.platform.store.query import Query, scalar
from services.platform.store.unit_of_work import Store
from services.safeguarding.duty.evidence import AttemptResult
from services.safeguarding.identifiers import code_of

TAKEN = frozenset({State.ACCEPTED, State.DELIVERED, State.ACKNOWLEDGED})
WAITS_SECONDS = 3.0
LOOKS_EVERY_SECONDS = 0.1
REMEMBERED = 200
"""Leaders whose message this process saw taken: most deliveries of a message are sent right after its leader."""
STATE = "SELECT state FROM delivery.deliveries WHERE id = %(delivery)s"
LEADER = "SELECT leader FROM professionals.mass_texts WHERE delivery = %(delivery)s"
MAIL_TAKEN, TEXT_TAKEN = 250, 200


class Grouped:
    """Wraps a channel. If the leader's message is not taken soon, the other delivery sends it too."""

    name: MediumName
    taken: int

    def __init__(self, channel: ChannelSender, store: Store) -> None:
        self._channel, self._store = channel, store
        self.start, self.stop = channel.start, channel.stop
        self._under_way: set[UUID] = set()
        self._taken_lately: deque[UUID] = deque(maxlen=REMEMBERED)

    async def send(self, request: SendRequest) -> SendResult:
        leader = await self._leader(request)
        if leader != request.id and await self._is_taken(leader):
            return SendResult(AttemptResult.ACCEPTED, self.taken)
        self._under_way.add(leader)
        try:
            result = await self._channel.send(request)
        finally:
            self._under_way.discard(leader)
        if result.result is AttemptResult.ACCEPTED:
            self._taken_lately.append(leader)
        return result

    async def _leader(self, request: SendRequest) -> UUID:
        raise NotImplementedError

    async def _is_taken(self, leader: UUID) -> bool:
        """Waits some seconds for it. If another process sends it, its row says when it is taken."""
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


class GroupedMail(Grouped):
    """Under the same Message-ID: a mailbox shows it once."""

    name: MediumName = "email"
    taken = MAIL_TAKEN

    async def _leader(self, request: SendRequest) -> UUID:
        named = OURS.search(request.body.partition("\r\n\r\n")[0].encode())
        return request.id if named is None else UUID(named[1].decode())


class GroupedText(Grouped):
    """A text holds the code of its own delivery, or its leader's: then it rides in that one."""

    name: MediumName = "text"
    taken = TEXT_TAKEN

    async def _leader(self, request: SendRequest) -> UUID:
        if request.by_voice or code_of(request.id) in request.body:
            return request.id
        async with self._store.read() as reader:
            leader: UUID | None = await reader.fetch(Query(LEADER, {"delivery": request.id}, scalar))
            return leader or request.id
