"""A mail that went with another's is not sent again: it is taken when that one is."""

import asyncio
from collections import deque
from uuid import UUID

from services.platform.delivery.channels.channel import ChannelSender, SendRequest, SendResult
from services.platform.delivery.inbound_mail.classifier import OURS
from services.platform.delivery.model import MediumName, State
from services.platform.store.query import execute_pipelined
from services.platform.store.unit_of_work import Store
from services.safeguarding.duty.evidence import AttemptResult

TAKEN = frozenset({State.ACCEPTED, State.DELIVERED, State.ACKNOWLEDGED})
WAITS_SECONDS = 3.0
LOOKS_EVERY_SECONDS = 0.1
REMEMBERED = 200
"""Mails that this process saw taken: most of those who ride in one come right after it."""
STATE = "SELECT state FROM delivery.deliveries WHERE id = %(delivery)s"
MAIL_TAKEN = 250


class GroupedMail:
    """Around the medium of mails. Where the mail it rides in is not taken soon, the same mail is sent for it too, under the same
    Message-ID: a mailbox shows it once.
    """

    name: MediumName = "email"

    def __init__(self, medium: ChannelSender, store: Store) -> None:
        self._medium, self._store = medium, store
        self._taken_lately: deque[UUID] = deque(maxlen=REMEMBERED)

    async def start(self) -> None:
        await self._medium.start()

    async def stop(self) -> None:
        await self._medium.stop()

    async def send(self, sending: SendRequest) -> SendResult:
        leader = leader_of(sending)
        if leader != sending.id and await self._is_taken(leader):
            return SendResult(AttemptResult.ACCEPTED, MAIL_TAKEN)
        answer = await self._medium.send(sending)
        if answer.result is AttemptResult.ACCEPTED:
            self._taken_lately.append(leader)
        return answer

    async def _is_taken(self, leader: UUID) -> bool:
        """Another process may send it: then its row says so."""
        for _ in range(round(WAITS_SECONDS / LOOKS_EVERY_SECONDS)):
            if leader in self._taken_lately or await self._stands_as_taken(leader):
                return True
            await asyncio.sleep(LOOKS_EVERY_SECONDS)
        return False

    async def _stands_as_taken(self, leader: UUID) -> bool:
        async with self._store.reading.connect() as connection:
            [rows] = await execute_pipelined(connection, (STATE, {"delivery": leader}))
        return any(state in TAKEN for (state,) in rows)


def leader_of(sending: SendRequest) -> UUID:
    """The delivery whose mail this is: its Message-ID."""
    named = OURS.search(sending.body.partition("\r\n\r\n")[0].encode())
    return sending.id if named is None else UUID(named[1].decode())
