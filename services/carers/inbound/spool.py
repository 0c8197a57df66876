"""Keeps texts on the disk while the database is away: one file each, sealed, and written before Twilio is answered."""

import json
from base64 import b64decode, b64encode
from dataclasses import asdict
from datetime import datetime
from io import BytesIO
from pathlib import Path

from cryptography.exceptions import InvalidTag

from services.carers.text import Text
from services.platform.runtime.logs import logger
from services.platform.runtime.places import write_durably
from services.platform.store.encryption import Keyring

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
