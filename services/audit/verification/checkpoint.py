"""A checkpoint: a file that says up to which anchor the record was verified, so that the next run can start there.

The anchor fixes how far each chain reached and by which hash, so that number and hash of the anchor say it all. The
file belongs where no administrator of the database can change it. Form 1; another form would have another name.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from services.audit.policy.chain import Anchor, moment

FORM = "safe-return checkpoint 1"


class NoCheckpoint(ValueError):
    """The file is none of ours."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    anchor: int
    made_at: str
    hash: str

    def __str__(self) -> str:
        return f"the checkpoint's anchor {self.anchor} of {self.made_at} is not there as it was"

    def is_of(self, anchor: Anchor) -> bool:
        return (anchor.number, anchor.hash.hex()) == (self.anchor, self.hash)


def read(file: Path) -> Checkpoint | None:
    """None where there is no file yet. Raises NoCheckpoint."""
    return parse(file.read_bytes(), str(file)) if file.exists() else None


def parse(content: bytes, named: str) -> Checkpoint:
    """Raises NoCheckpoint, which names it so."""
    try:
        said = json.loads(content)
        known = Checkpoint(int(said["anchor"]), str(said["made_at"]), str(said["hash"]))
    except (ValueError, KeyError, TypeError) as error:
        raise NoCheckpoint(f"{named} is no checkpoint of `audit verify`") from error
    if said.get("form") != FORM:
        raise NoCheckpoint(f"{named} has another form than {FORM}")
    return known


def write(file: Path, newest: Anchor) -> None:
    """In one step: who is interrupted leaves the file as it was."""
    beside = file.with_name(f"{file.name}.new")
    beside.write_bytes(content_of(newest) + b"\n")
    beside.replace(file)


def content_of(anchor: Anchor) -> bytes:
    """One line."""
    said = {"form": FORM, "anchor": anchor.number, "made_at": moment(anchor.made_at), "hash": anchor.hash.hex()}
    return json.dumps(said).encode()
