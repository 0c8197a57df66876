"""A mail that went with another's is not sent again: it is taken when that one is."""

import asyncio
from uuid import UUID

from sqlalchemy import select

from services.delivery.mail_in import OURS
from services.delivery.medium import Answer, Medium, Sending
from services.delivery.parcel import MediumName, State
from services.delivery.tables import deliveries
from services.safeguarding.evidence import AttemptResult
from services.store.transaction import Store

TAKEN = frozenset({State.ACCEPTED, State.DELIVERED, State.ACKNOWLEDGED})
WAITS_SECONDS = 3.0
LOOKS_EVERY_SECONDS = 0.1
MAIL_TAKEN = 250


class GroupedMail:
    """Around the medium of mails. Where the mail it rides in is not taken soon, the same mail is sent for it too, under the same
    Message-ID: a mailbox shows it once.
    """

    name: MediumName = "email"

    def __init__(self, medium: Medium, store: Store) -> None:
        self._medium, self._store = medium, store

    async def start(self) -> None:
        await self._medium.start()

    async def stop(self) -> None:
        await self._medium.stop()

    async def send(self, sending: Sending) -> Answer:
        leader = leader_of(sending)
        if leader != sending.id and await self._is_taken(leader):
            return Answer(AttemptResult.ACCEPTED, MAIL_TAKEN)
        return await self._medium.send(sending)

    async def _is_taken(self, leader: UUID) -> bool:
        for _ in range(round(WAITS_SECONDS / LOOKS_EVERY_SECONDS)):
            async with self._store.transaction() as transaction:
                state = await transaction.connection.scalar(select(deliveries.c.state).where(deliveries.c.id == leader))
            if state in TAKEN:
                return True
            await asyncio.sleep(LOOKS_EVERY_SECONDS)
        return False


def leader_of(sending: Sending) -> UUID:
    """The delivery whose mail this is: its Message-ID."""
    named = OURS.search(sending.body.partition("\r\n\r\n")[0].encode())
    return sending.id if named is None else UUID(named[1].decode())
