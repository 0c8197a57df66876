"""Describes the texts that rules cite: title, edition, the days on which each was in force, its last check."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from services.protocol.law.periods import TO_BE_CONFIRMED, State, holds

CHECKED_WITHIN = timedelta(days=180)
SOURCE_ID = r"^[A-Za-z0-9]+([ .-][A-Za-z0-9]+)*$"


class Source(BaseModel):
    """One text, in one edition. A rule cites it by its id, or by a paragraph that its pattern describes."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    id: str = Field(pattern=SOURCE_ID)
    title: str = Field(min_length=1)
    edition: str = Field(min_length=1)
    """What a reader writes to name it, such as `DfE, March 2017`."""
    kind: Literal["guidance", "law", "practice", "local"] = "practice"
    """`guidance` is statutory: followed unless there are exceptional reasons. `local` is an authority's own."""
    pattern: str | None = None
    """A regular expression for its paragraphs, such as `S[0-9]+`. None: it is cited by its id alone."""
    since: date | None = Field(None, alias="from")
    """First day in force. None: not known, or no matter."""
    to: date | None = None
    """Last day in force."""
    checked_on: date | None = Field(None, alias="checked-on")
    """When somebody last looked whether this is still the text. None: never."""
    replaced_by: str | None = Field(None, alias="replaced-by")
    """The id of the source that takes its place."""
    state: State = "found"
    url: str | None = None
    note: str | None = None

    @field_validator("pattern")
    @classmethod
    def _is_a_pattern(cls, written: str | None) -> str | None:
        try:
            re.compile(written or "")
        except re.error as error:
            raise ValueError(f"{written!r} is no regular expression: {error}") from None
        return written

    @cached_property
    def _cites(self) -> re.Pattern[str]:
        return re.compile(self.pattern or re.escape(self.id))

    def is_cited_by(self, cite: str) -> bool:
        return cite == self.id or self._cites.fullmatch(cite) is not None


@dataclass(frozen=True)
class Sources:
    """All that may be cited."""

    all: tuple[Source, ...] = ()

    def of(self, cite: str) -> Source | None:
        return next((each for each in self.all if each.is_cited_by(cite)), None)

    def is_guidance(self, cite: str) -> bool:
        source = self.of(cite)
        return source is not None and source.kind == "guidance"

    def with_others(self, others: Iterable[Source]) -> "Sources":
        """`others` replace ours of the same ids."""
        by_id = {each.id: each for each in (*self.all, *others)}
        return Sources(tuple(by_id.values()))

    def doubts(self, cited: Iterable[str], today: date) -> Iterator[str]:
        """A sentence for each source among the cited that a person should look at again."""
        found = {source.id: source for source in map(self.of, cited) if source is not None}
        for source in found.values():
            yield from self._doubts_of(source, today)

    def _doubts_of(self, source: Source, today: date) -> Iterator[str]:
        name = f"{source.id} ({source.edition})"
        if source.checked_on is None:
            yield f"{name} was never checked; look whether it is still the text, and write `checked-on`"
        elif today - source.checked_on > CHECKED_WITHIN:
            days = (today - source.checked_on).days
            yield f"{name} was last checked {days} days ago; look whether it is still the text, and write `checked-on`"
        if source.replaced_by is not None:
            newer = self.of(source.replaced_by)
            known = source.replaced_by if newer is None else f"{newer.id} ({newer.edition})"
            yield f"{name} is replaced by {known}; compare the two, and cite the newer"
        elif not holds((source.since, source.to), today):
            yield f"{name} is not in force on {today}; cite what is"
        if source.state == TO_BE_CONFIRMED:
            yield f"{name} is still to be confirmed; read it, and write `state: found`"
