"""Stores a text in the database, or on the disk while the database is away, before Twilio is answered 200.

On the disk each text is one file, sealed.
"""

import asyncio
import contextlib
import json
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path

from cryptography.exceptions import InvalidTag

from services.carers import key_rotation, metrics
from services.carers.policy.strangers_share import DoorShare
from services.carers.store import texts
from services.carers.text import Priority, Text
from services.carers.understanding.grammar import understand
from services.carers.understanding.meaning import REPORTS, Intent
from services.platform.runtime.logs import logger
from services.platform.runtime.places import write_durably
from services.platform.runtime.process import Repeating
from services.platform.store.encryption import Keyring
from services.platform.store.engine import is_transient
from services.platform.store.unit_of_work import GroupCommit, Store

PLACE = "spool.text"
SUFFIX = ".text"
UNREADABLE, REFUSED = ".unreadable", ".refused"
"""Set aside: files that do not open, and texts that the database refuses."""
REPLAYED_AT_ONCE = 500


class Spool:
    """The folder is this process's own. Raises OSError where the disk does not take a text.

    A file's name begins with the time at which its text came, so that the oldest are found without opening any. A text
    that was refused before the process started is tried once more: the fault may have been mended.
    """

    def __init__(self, folder: Path, keyring: Keyring) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._keyring = keyring
        for path in folder.glob(f"*{REFUSED}"):
            path.rename(path.with_suffix(SUFFIX))
        self._set_aside = sum(1 for _ in folder.glob(f"*{UNREADABLE}"))
        self._waiting = {path.name.partition("-")[2]: path.name for path in folder.glob(f"*{SUFFIX}")}
        """File names by their last part, a hash of what Twilio sent: other words under the same id are another text."""

    @property
    def count(self) -> int:
        return len(self._waiting)

    @property
    def set_aside(self) -> int:
        """How many files need a person."""
        return self._set_aside

    def put(self, text: Text) -> None:
        """Blocks until the disk has it. A text that Twilio repeats is not written again."""
        last_part = self._keyring.body_hash(text.content).hex() + SUFFIX
        if last_part in self._waiting:
            return
        name = f"{text.received_at:%Y%m%dT%H%M%S%f}-{last_part}"
        write_durably(self._folder / name, BytesIO(self._seal(text, name)))
        self._waiting[last_part] = name

    def oldest(self) -> list[tuple[str, Text]]:
        """The oldest batch, in order, each text with its file name. Sets aside and logs a file that does not open."""
        names = sorted(self._waiting.values())[:REPLAYED_AT_ONCE]
        opened = [(name, self._open(name)) for name in names]
        return [(name, text) for name, text in opened if text is not None]

    def forget(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)
        self._waiting.pop(name.partition("-")[2], None)

    def refuse(self, name: str) -> None:
        """Sets it aside, so that later ones go on."""
        self._put_aside(name, REFUSED)

    def _put_aside(self, name: str, suffix: str) -> None:
        path = self._folder / name
        path.rename(path.with_suffix(suffix))
        self._set_aside += 1
        self.forget(name)

    def _seal(self, text: Text, owner: str) -> bytes:
        """Under a key of its own, wrapped by the master key: nothing on this disk can be read without it."""
        wrapped = self._keyring.wrapped_new_key(owner)
        closed = self._keyring.unwrap(owner, wrapped).close(json.dumps(asdict(text), default=str), PLACE)
        return json.dumps({"key": b64encode(wrapped).decode(), "text": b64encode(closed).decode()}).encode()

    def _open(self, name: str) -> Text | None:
        path = self._folder / name
        try:
            sealed = json.loads(path.read_bytes())
            key = self._keyring.unwrap(name, b64decode(sealed["key"]))
            row = json.loads(key.open(b64decode(sealed["text"]), PLACE))
            times = {field: datetime.fromisoformat(row[field]) for field in ("received_at", "story_at")}
            return Text(**{**row, **times, "pictures": tuple(row["pictures"])})
        except FileNotFoundError:
            self.forget(name)
        except (ValueError, KeyError, TypeError, InvalidTag) as error:
            self._put_aside(name, UNREADABLE)
            logger().error("a spooled text cannot be opened and was set aside", exc_info=error)
        return None


DATABASE_WITHIN_SECONDS = 3.0
"""Twilio waits 15 s. A text that is not committed by then goes to the disk as well, and still has one effect."""
LEAVE_DATABASE_ALONE_SECONDS = 1.0
REPLAY_EVERY_SECONDS, REPLAY_AGAIN_SECONDS = 60.0, 0.5
"""While no text is on the disk, and after the database did not take one."""
COMMITTED_AT_ONCE = 200
LOOKED_UP_WITHIN_SECONDS = 1.0

URGENT = REPORTS | {Intent.LOCATED, Intent.SEEN, Intent.HELP, Intent.STOP}


class NotKept(Exception):
    """Neither the database nor the disk took the text: Twilio must repeat it."""


@dataclass(eq=False, slots=True)
class _Sender:
    """Known until the register says otherwise."""

    hashes: Sequence[bytes]
    is_known: bool = True


class Intake:
    """`on_kept` wakes the worker that reads the texts; it is called after the commit."""

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        spool: Spool,
        on_kept: Callable[[], None],
        share: DoorShare | None = None,
    ) -> None:
        self._store, self._keyring, self._spool, self._on_kept = store, keyring, spool, on_kept
        self._share = share or DoorShare()
        self._senders = GroupCommit(self._look_up, most=COMMITTED_AT_ONCE)
        self._leave_alone_until = 0.0
        self._group = GroupCommit(self._commit, most=COMMITTED_AT_ONCE)
        self.replay = Repeating(
            "text spool", self._replay, every_seconds=REPLAY_EVERY_SECONDS, again_seconds=REPLAY_AGAIN_SECONDS
        )

    async def sends_back(self, text: Text) -> bool:
        """Whether Twilio is to send it again, since a stranger sent it, too many come at once, and it can wait. Nothing
        is written. False in doubt, such as while the database is away.
        """
        if self._share.has_room(text.sid, text.received_at) or _find_priority(text) is not Priority.STRANGER:
            return False
        sender = _Sender(self._keyring.number_hashes(text.sender))
        if not self._database_is_left_alone:
            with contextlib.suppress(Exception):
                await self._senders.put(sender)
        if sender.is_known:
            return False
        self._share.send_back(text.sid, text.received_at)
        metrics.SENT_BACK.inc()
        return True

    async def _look_up(self, several: Sequence[_Sender]) -> None:
        async with asyncio.timeout(LOOKED_UP_WITHIN_SECONDS), self._store.read() as reader:
            known = await reader.fetch(texts.known_of([one for each in several for one in each.hashes]))
        for each in several:
            each.is_known = not known.isdisjoint(each.hashes)

    @property
    def _database_is_left_alone(self) -> bool:
        """While it is away, and while earlier texts are on the disk."""
        return self._spool.count > 0 or time.monotonic() < self._leave_alone_until

    async def take(self, text: Text) -> None:
        """Returns once the text is kept. Raises NotKept, and database errors that do not pass by themselves."""
        if await self._to_database(text):
            metrics.TAKEN.labels("database").inc()
            return
        try:
            await asyncio.to_thread(self._spool.put, text)
        except OSError as error:
            metrics.TAKEN.labels("nowhere").inc()
            logger().error("a text could be kept neither in the database nor on the disk", exc_info=error)
            raise NotKept from error
        metrics.TAKEN.labels("spool").inc()
        metrics.SPOOLED.set(self._spool.count)
        self.replay.wake_after(REPLAY_AGAIN_SECONDS)

    async def _to_database(self, text: Text) -> bool:
        if self._database_is_left_alone:
            return False
        try:
            await self._group.put(text)
        except Exception as error:
            if not is_transient(error):
                raise
            if time.monotonic() > self._leave_alone_until:
                logger().warning("the database is away and texts go to the disk", exc_info=error)
            self._leave_alone_until = time.monotonic() + LEAVE_DATABASE_ALONE_SECONDS
            return False
        return True

    async def _commit(self, several: Sequence[Text]) -> None:
        async with asyncio.timeout(DATABASE_WITHIN_SECONDS), self._store.transaction() as uow:
            await key_rotation.keep_in_order(uow, self._keyring, [text.sender for text in several])
            await texts.keep(uow, self._keyring, {text: _find_priority(text) for text in several})
            uow.on_commit(self._on_kept)
        if not uow.returned[texts.KEEP]:
            # It came before, and that commit's wait for the standby may have been cancelled: by us, for the disk.
            async with asyncio.timeout(DATABASE_WITHIN_SECONDS), self._store.transaction() as again:
                again.wait_for_standby()

    async def _replay(self) -> bool:
        """True while there is more. A text leaves the disk only once the database has it. One that the database refuses
        is set aside, so that it holds up no other.
        """
        found = await asyncio.to_thread(self._spool.oldest) if self._spool.count else []
        committed = await asyncio.gather(*(self._group.put(text) for _, text in found), return_exceptions=True)
        away: BaseException | None = None
        for (name, _), error in zip(found, committed, strict=True):
            if error is None:
                self._spool.forget(name)
            elif isinstance(error, Exception) and not is_transient(error):
                logger().error("the database refuses a spooled text and it was set aside", exc_info=error)
                await asyncio.to_thread(self._spool.refuse, name)
            else:
                away = away or error
        metrics.SPOOLED.set(self._spool.count)
        metrics.SET_ASIDE.set(self._spool.set_aside)
        if away is not None:
            raise away
        return self._spool.count > 0


def _find_priority(text: Text) -> Priority:
    """Of a stranger's text; a known number's goes before it whatever it says. A voice or a picture may say anything."""
    meaning = understand(text.body)
    urgent = meaning.danger or text.pictures or not URGENT.isdisjoint(meaning.intents)
    return Priority.URGENT_STRANGER if urgent else Priority.STRANGER
