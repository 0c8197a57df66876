"""Reads the audit's own settings."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from services.platform.runtime.places import Place
from services.platform.runtime.settings import Settings


def _split(given: str | Sequence[Place]) -> Sequence[str | Place]:
    return given.split() if isinstance(given, str) else given


class AuditSettings(Settings):
    anchor_places: Annotated[tuple[Place, ...], NoDecode, BeforeValidator(_split)] = Field(
        default=(),
        description="folders, buckets or addresses with blanks between, such as file:///mnt/north s3://kestrel/record",
    )
    """Where anchors are published. None: whoever administers the database can rewrite the record unseen."""
