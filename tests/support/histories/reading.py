"""What services write, read back as no service reads it: for tests alone."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.register import conversation
from services.platform.register.conversation import Speaker
from services.platform.store.encryption import Keyring
from services.platform.store.outbox import Unsent
from services.platform.store.query import Reader
from tests.support.tables import outbox


async def unsent_of(connection: AsyncConnection, *keys: str) -> list[Unsent]:
    """What waits to be published, oldest first."""
    chosen = select(outbox.c.position, outbox.c.key, outbox.c.topic, outbox.c.envelope)
    rows = await connection.execute(chosen.where(outbox.c.key.in_(keys)).order_by(outbox.c.position))
    return [Unsent(*row) for row in rows]


async def speaker(connection: AsyncConnection, keyring: Keyring, number: str, at: datetime) -> Speaker:
    """`number` is E.164."""
    return await Reader(connection).fetch(conversation.speaker_by_number(keyring, keyring.number_hashes(number), at))
