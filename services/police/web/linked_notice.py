"""A delivery that somebody opened behind a link: what it is, how it stands, and the record that it was read."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from services.platform.delivery.events import looked_up
from services.platform.delivery.model import Delivery, State
from services.platform.delivery.queue import repository as delivery_repository
from services.platform.delivery.queue.repository import BODY
from services.platform.delivery.tables import deliveries
from services.platform.register.keys import opener
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.police import store
from services.police.notices.schema import Notice
from services.police.notices.sender import force_of
from services.police.notices.wording import OVER
from services.police.policy import Standing


@dataclass(frozen=True)
class LinkedNotice:
    delivery: Delivery
    state: State
    notice: Notice


async def load(uow: UnitOfWork, keyring: Keyring, delivery: UUID) -> LinkedNotice | None:
    """Held to the transaction's end. None where it was never sent, or is gone or erased."""
    found = await delivery_repository.hold(uow, delivery)
    body = await uow.connection.scalar(select(deliveries.c.body).where(deliveries.c.id == delivery))
    if found is None or body is None:
        return None
    said = (await opener(uow.connection, keyring, found[0].owner)).open(body, BODY)
    return None if said is None else LinkedNotice(*found, Notice.model_validate_json(said))


async def is_closed(uow: UnitOfWork, found: LinkedNotice) -> bool:
    """Whether it was called back, goes to no force, or its child is no longer searched for by what its force has been told."""
    if found.state is State.WITHDRAWN or force_of(found.delivery) is None:
        return True
    standing = await _standing(uow, found)
    return standing is not None and not standing.is_searched_for


async def is_superseded(uow: UnitOfWork, found: LinkedNotice) -> bool:
    """Whether the child was searched for when this was said, and is no longer. What is said or asked of a child who is back stands."""
    if found.notice.data.about in OVER:
        return False
    standing = await _standing(uow, found)
    return standing is not None and not standing.is_searched_for and found.notice.timestamp < standing.told_at


async def _standing(uow: UnitOfWork, found: LinkedNotice) -> Standing | None:
    force, episode = force_of(found.delivery), found.notice.data.episode
    if force is None or episode is None:
        return None
    return (await store.standings(uow.connection, force, [episode])).get(episode)


async def record_reading(uow: UnitOfWork, found: LinkedNotice, purpose: str, fields: tuple[str, ...]) -> None:
    """For the audit: which fields an officer read, and never what they said. A test is about nobody."""
    read = looked_up(found.delivery, purpose, fields, None)
    uow.publish(read, subject=found.delivery.child, cause=found.delivery)
