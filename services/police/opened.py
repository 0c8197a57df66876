"""A delivery that somebody opened behind a link: what it is, how it stands, and the record that it was read."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from services.delivery import rows
from services.delivery.outcomes import Speaker, looked_up
from services.delivery.parcel import Parcel, State
from services.delivery.rows import BODY
from services.delivery.tables import deliveries
from services.police import store
from services.police.notice import Notice
from services.police.notice_words import OVER
from services.police.policy import Standing
from services.police.sending import force_of
from services.register.keys import opener
from services.runtime.clocks import Clocks
from services.store.encryption import Keyring
from services.store.transaction import Transaction


@dataclass(frozen=True)
class Opened:
    parcel: Parcel
    state: State
    notice: Notice


async def opened(transaction: Transaction, keyring: Keyring, delivery: UUID) -> Opened | None:
    """Held to the transaction's end. None where it was never sent, or is gone or erased."""
    found = await rows.hold(transaction, delivery)
    body = await transaction.connection.scalar(select(deliveries.c.body).where(deliveries.c.id == delivery))
    if found is None or body is None:
        return None
    said = (await opener(transaction.connection, keyring, found[0].owner)).open(body, BODY)
    return None if said is None else Opened(*found, Notice.model_validate_json(said))


async def is_over(transaction: Transaction, found: Opened) -> bool:
    """Whether it was called back, goes to no force, or its child is no longer searched for by what its force has been told."""
    if found.state is State.WITHDRAWN or force_of(found.parcel) is None:
        return True
    standing = await _standing(transaction, found)
    return standing is not None and not standing.is_searched_for


async def is_of_the_past(transaction: Transaction, found: Opened) -> bool:
    """Whether the child was searched for when this was said, and is no longer. What is said or asked of a child who is back stands."""
    if found.notice.data.about in OVER:
        return False
    standing = await _standing(transaction, found)
    return standing is not None and not standing.is_searched_for and found.notice.timestamp < standing.told_at


async def _standing(transaction: Transaction, found: Opened) -> Standing | None:
    force, episode = force_of(found.parcel), found.notice.data.episode
    if force is None or episode is None:
        return None
    return (await store.standings(transaction.connection, force, [episode])).get(episode)


async def record_reading(
    transaction: Transaction, clocks: Clocks, found: Opened, purpose: str, fields: tuple[str, ...]
) -> None:
    """For the audit: which fields an officer read, and never what they said. A test is about nobody."""
    read = looked_up(found.parcel, purpose, fields, None)
    await Speaker("police", clocks.story(), clocks.wall()).say(transaction, found.parcel, read)
