"""Loads the notice behind a link that somebody opened, and records that it was read.

It opens to an officer with a code, which goes to the control room's number on file: a mailbox proves little. A code
is good once, for ten minutes, in the browser that asked for it; the notice is then open there for an hour.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from services.platform.delivery.channels.channel import ChannelSender, SendRequest
from services.platform.delivery.events import looked_up
from services.platform.delivery.links.pages import Form
from services.platform.delivery.model import Delivery, State
from services.platform.delivery.queue import repository as delivery_repository
from services.platform.register import words
from services.platform.register.organisations import Force, Forces
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, scalar
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.police.notices.schema import Notice
from services.police.notices.sender import force_of
from services.police.notices.wording import OVER, WORDS
from services.police.policy import ToldEpisode
from services.police.store import told_episodes
from services.safeguarding.duty.evidence import AttemptResult
from services.safeguarding.identifiers import WordsId, code_of


@dataclass(frozen=True)
class LinkedNotice:
    delivery: Delivery
    state: State
    notice: Notice
    recorded: str = WORDS["page"]["nobody-yet"]
    """Whether somebody has, when and how. Not who: a link may lie in many mailboxes."""

    @property
    def is_unanswered(self) -> bool:
        """Nobody there has said yet that they have it."""
        return self.state is not State.ACKNOWLEDGED


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


CODE_FOR, OPEN_FOR = timedelta(minutes=10), timedelta(hours=1)
MOST_TRIES = 5
MOST_CODES_AN_HOUR = 5
"""For one notice: nobody who holds its link rings the control room all night."""
SENT = "SELECT count(*) FROM police.reading_codes WHERE delivery = %(delivery)s AND sent_at > %(since)s"
OLD = "DELETE FROM police.reading_codes WHERE sent_at < %(since)s"
KEEP = """
    INSERT INTO police.reading_codes (browser, delivery, code, officer, sent_at)
    VALUES (%(browser)s, %(delivery)s, %(code)s, %(officer)s, %(now)s)
"""
TRY = """
    UPDATE police.reading_codes
    SET tries = tries + 1, opened_at = CASE WHEN code = %(code)s THEN %(now)s::timestamptz END
    WHERE browser = %(browser)s AND delivery = %(delivery)s AND opened_at IS NULL
        AND tries < %(most)s AND sent_at > %(since)s
"""
USED_UP = """
    SELECT tries >= %(most)s FROM police.reading_codes WHERE browser = %(browser)s AND delivery = %(delivery)s
"""
READER = """
    SELECT officer FROM police.reading_codes
    WHERE browser = %(browser)s AND delivery = %(delivery)s AND opened_at > %(since)s
"""


@dataclass(frozen=True, slots=True)
class Issued:
    """`browser` goes into its cookie."""

    browser: str
    code: str
    number: str


@dataclass(frozen=True)
class ReadingCodes:
    """`texts` also rings. A code is kept as a hash alone."""

    keyring: Keyring
    clocks: Clocks
    forces: Forces
    texts: ChannelSender

    async def issue(self, uow: UnitOfWork, found: LinkedNotice, officer: str) -> Issued | None:
        """To be sent after the commit. None if no number is on file or too many codes were sent."""
        now, delivery = self.clocks.wall(), found.delivery.id
        uow.write(OLD, {"since": now - OPEN_FOR - CODE_FOR})
        sent = await uow.fetch(Query(SENT, {"delivery": delivery, "since": now - timedelta(hours=1)}, scalar))
        force = await self._force(uow, found)
        if force is None or force.callback is None or sent >= MOST_CODES_AN_HOUR:
            return None
        issued = Issued(secrets.token_urlsafe(16), code_of(uuid4()), force.callback)
        at, about = self.clocks.story(), found.delivery.child
        kept = await words.keep(uow, self.keyring, about=about, words=officer, said_by=None, at=at)
        known_by = _hashes(issued.browser, issued.code)
        uow.write(KEEP, known_by | {"delivery": delivery, "officer": kept, "now": now})
        return issued

    async def send(self, found: LinkedNotice, issued: Issued, *, by_voice: bool) -> bool:
        """Whether it went out. A text that a landline cannot take is rung."""
        now, data = self.clocks.wall(), found.notice.data
        mark = "EXERCISE. " if data.exercise else ""
        body = f"{mark}Safe Return: {issued.code} opens the notice. Give it only to the officer who asked for it."
        of, to = found.delivery.id, issued.number
        sending = SendRequest(
            of, 1, to, body, (), urgent=True, uncertain=False, created_at=now, now=now, by_voice=by_voice
        )
        return (await self.texts.send(sending)).result is AttemptResult.ACCEPTED

    async def reader(self, uow: UnitOfWork, delivery: UUID, form: Form) -> WordsId | None:
        """The officer to whom the notice is open in this browser, by the code in the form or by an earlier one."""
        now = self.clocks.wall()
        asked = _hashes(form.browser, form.one("code").upper()) | {"delivery": delivery}
        if form.one("code"):
            await uow.fetch(Query(TRY, asked | {"now": now, "most": MOST_TRIES, "since": now - CODE_FOR}, len))
        found: WordsId | None = await uow.fetch(Query(READER, asked | {"since": now - OPEN_FOR}, scalar))
        return found

    async def is_used_up(self, uow: UnitOfWork, delivery: UUID, form: Form) -> bool:
        """Whether the code of this browser was tried too often, so that the right one opens nothing either."""
        asked = _hashes(form.browser, "") | {"delivery": delivery, "most": MOST_TRIES}
        return bool(await uow.fetch(Query(USED_UP, asked, scalar)))

    async def are_needed(self, uow: UnitOfWork, found: LinkedNotice) -> bool:
        """Not for a force with an API, called or polled: the link went into its own system and into no mailbox."""
        force = await self._force(uow, found)
        return force is None or (force.notice_url is None and not force.polls)

    async def _force(self, uow: UnitOfWork, found: LinkedNotice) -> Force | None:
        named = force_of(found.delivery)
        return None if named is None else await uow.fetch(self.forces.by_id(named))


def _hashes(browser: str, code: str) -> dict[str, bytes]:
    return {
        "browser": hashlib.sha256(browser.encode()).digest(),
        "code": hashlib.sha256(f"{browser} {code}".encode()).digest(),
    }
