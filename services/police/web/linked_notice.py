"""Loads the notice behind a link that somebody opened, and records that it was read."""

from dataclasses import dataclass
from uuid import UUID

from services.platform.delivery.events import looked_up
from services.platform.delivery.model import Delivery, State
from services.platform.delivery.queue import repository as delivery_repository
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.police.notices.schema import Notice
from services.police.notices.sender import force_of
from services.police.notices.wording import OVER
from services.police.policy import ToldEpisode
from services.police.store import told_episodes
from services.safeguarding.identifiers import WordsId


@dataclass(frozen=True)
class LinkedNotice:
    delivery: Delivery
    state: State
    notice: Notice
    recorded: str = "Nobody there has said yet that they have it."
    """Whether somebody has, when and how. Not who: a link may lie in many mailboxes."""


async def load(uow: UnitOfWork, keyring: Keyring, delivery: UUID) -> LinkedNotice | None:
    """Locked until the transaction ends. None if it was never sent, or has been deleted or erased."""
    found = await delivery_repository.lock(uow, delivery)
    if found is None:
        return None
    said = await delivery_repository.body_of(uow.connection, keyring, found[0])
    return None if said is None else LinkedNotice(*found, Notice.model_validate_json(said))


async def is_closed(uow: UnitOfWork, found: LinkedNotice) -> bool:
    """Whether it was withdrawn, goes to no force, or its force was told that the child is no longer searched for."""
    if found.state is State.WITHDRAWN or force_of(found.delivery) is None:
        return True
    episode = await _told_episode(uow, found)
    return episode is not None and not episode.is_searched_for


async def is_superseded(uow: UnitOfWork, found: LinkedNotice) -> bool:
    """Whether the child was searched for when it was written, and no longer is. Never for a notice of a return."""
    if found.notice.data.about in OVER:
        return False
    episode = await _told_episode(uow, found)
    return episode is not None and not episode.is_searched_for and found.notice.timestamp < episode.told_at


async def is_searched_for(store: Store, keyring: Keyring, delivery: UUID) -> bool:
    """Whether its force was last told that the child is searched for, in no exercise. Its link opens for as long."""
    async with store.transaction(delivery) as uow:
        found = await load(uow, keyring, delivery)
        episode = None if found is None else await _told_episode(uow, found)
        return episode is not None and episode.is_searched_for and not episode.exercise


async def _told_episode(uow: UnitOfWork, found: LinkedNotice) -> ToldEpisode | None:
    force, episode = force_of(found.delivery), found.notice.data.episode
    if force is None or episode is None:
        return None
    return (await uow.fetch(told_episodes(force, [episode]))).get(episode)


def record_reading(
    uow: UnitOfWork, found: LinkedNotice, purpose: str, fields: tuple[str, ...], officer: WordsId | None
) -> None:
    """For the audit: the names of the fields that were read, never their content, and the words of who read them."""
    read = looked_up(found.delivery, purpose, fields, None, officer)
    uow.publish(read, subject=found.delivery.child, cause=found.delivery)
