"""Says what a wording means to a force, and compares its list of missing children with ours. Pure: time is given."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, TypeAlias
from uuid import UUID

import yaml

from services.safeguarding.identifiers import AuthorityId, ChildId
from services.safeguarding.roles import Wording

MEANINGS: dict[Wording, dict[str, str]] = {
    Wording(name): each for name, each in yaml.safe_load(Path(__file__).with_name("meanings.yaml").read_text()).items()
}
SEARCHED_FOR = ("missing", "located")
MERGED = "merged"
"""The force has another notice of the same absence, and was told so: it may list either."""
JUST_TOLD = timedelta(hours=1)
"""How long after it was told a force need not list an episode."""
CLOSING = timedelta(hours=24)
"""A child who is back stays on the force's list until the safe and well check."""
SILENCE = timedelta(hours=26)
"""A day, which is how often a force sends its list, and two hours of patience."""

Difference: TypeAlias = Literal["not-with-police", "open-with-police-only", "no-list"]


@dataclass(frozen=True, slots=True)
class EarlierEpisodes:
    """The child's episodes that any force was told of before this one. `last_told_at`: story time."""

    number: int
    last_told_at: datetime | None
    may_chase_gaps: bool
    """Nobody has asked yet for the facts that this episode's first notice lacked."""


@dataclass(frozen=True, slots=True)
class ToldEpisode:
    """An episode that a force was told of. `told_at`: when it was last told the state of the episode, story time."""

    episode: UUID
    child: ChildId
    authority: AuthorityId
    exercise: bool
    state: str
    told_at: datetime

    @property
    def is_searched_for(self) -> bool:
        return self.state in {*SEARCHED_FOR, MERGED}


def differences(
    ours: Iterable[ToldEpisode], listed: Collection[UUID], drawn_up: datetime
) -> Iterator[tuple[ToldEpisode, Difference]]:
    """As of `drawn_up`: a late list cannot name what the force was told since. No list names exercises."""
    for each in ours:
        age = drawn_up - each.told_at
        if each.exercise:
            continue
        if each.is_searched_for and each.episode not in listed and age > JUST_TOLD:
            yield each, "not-with-police"
        elif not each.is_searched_for and each.episode in listed and age > CLOSING:
            yield each, "open-with-police-only"


def longest_missing_in_silence(
    ours: Iterable[ToldEpisode], last_list: datetime | None, silence_reported: datetime | None, at: datetime
) -> ToldEpisode | None:
    """The child missing longest, if a force that sends lists has been silent for a day and nobody said so since."""
    missing = [each for each in ours if each.is_searched_for and not each.exercise]
    if not missing:
        return None
    longest = min(missing, key=lambda each: each.told_at)
    since = max(filter(None, (last_list, silence_reported, longest.told_at)))
    return longest if at - since > SILENCE else None
