"""Reads where the database is kept elsewhere, who can open it, and how long it is kept."""

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pyrage import RecipientError, x25519

from infra.postgres.backup import CannotBackUp
from services.platform.runtime.places import BucketUrl, FileUrl


def _require_recipient(written: str) -> str:
    try:
        x25519.Recipient.from_str(written)
    except RecipientError:
        raise ValueError("an age key begins with age1 (`services fallback new-key` makes one)") from None
    return written


class ArchivePlan(BaseModel):
    """`recipients` are age keys. Any of their identities opens everything, so none may be on this machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipients: tuple[Annotated[str, AfterValidator(_require_recipient)], ...] = Field(min_length=1)
    place: FileUrl | BucketUrl
    base_every_hours: int = Field(default=24, ge=1)
    segment_ends_seconds: float = Field(default=20.0, gt=0)
    """For how long a commit may be on this machine alone, before its segment is sent."""
    keep_days: int = Field(default=14, ge=1)
    """How far back a moment can be restored. What was erased stays in the copies for so long, and a base's age more."""


def read_plan(file: Path) -> ArchivePlan:
    """Raises CannotBackUp, which says what is wrong."""
    try:
        return ArchivePlan.model_validate(yaml.safe_load(file.read_text()))
    except OSError as error:
        raise CannotBackUp(f"{file} cannot be read ({error.strerror})") from None
    except yaml.YAMLError:
        raise CannotBackUp(f"{file} has to be YAML, with `recipients` and `place`") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise CannotBackUp(f"{file}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
