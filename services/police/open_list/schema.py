"""Defines a force's daily list of the episodes that it holds open, version 1, as JSON over HTTP."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from services.police.replies.schema import Line, Part
from services.safeguarding.dates import Moment


class OpenEpisode(Part):
    """`episode` as the notices named it; `reference` is the force's own, and is not needed."""

    episode: UUID
    reference: Line | None = None


class ListData(Part):
    open: Annotated[tuple[OpenEpisode, ...], Field(max_length=5000)]


class OpenList(Part):
    """Only episodes that came from Safe Return. An empty list says that the force holds none open."""

    type: Literal["police.open-list"]
    timestamp: Moment
    data: ListData
