"""Two lists of who is missing, ours and the force's, held against each other. Pure: story time is passed in."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias
from uuid import UUID

from services.safeguarding.identifiers import AuthorityId, ChildId

SEARCHED_FOR = ("missing", "located")
MERGED = "merged"
"""The force has another notice of the same absence, and was told so: it may list either."""
JUST_TOLD = timedelta(hours=1)
"""A force need not list yet what it was told so lately."""
CLOSING = timedelta(hours=24)
"""A child who is back stays on the force's list until the safe and well check."""
SILENCE = timedelta(hours=26)
"""A daily list, and two hours' patience."""

Difference: TypeAlias = Literal["not-with-police", "open-with-police-only", "no-list"]


@dataclass(frozen=True, slots=True)
class Standing:
    """An episode that a force was told of. `told_at`: when it was last told how the episode stands, story time."""

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
    ours: Iterable[Standing], listed: Collection[UUID], drawn_up: datetime
) -> Iterator[tuple[Standing, Difference]]:
    """By when the list was drawn up, however late it came: what was told since cannot be on it. Exercises are on nobody's list."""
    for each in ours:
        age = drawn_up - each.told_at
        if each.exercise:
            continue
        if each.is_searched_for and each.episode not in listed and age > JUST_TOLD:
            yield each, "not-with-police"
        elif not each.is_searched_for and each.episode in listed and age > CLOSING:
            yield each, "open-with-police-only"


def silent_about(
    ours: Iterable[Standing], last_list: datetime | None, asked_after: datetime | None, at: datetime
) -> Standing | None:
    """The child missing longest, where a force that sends lists has been silent for a day and nobody was told of that since."""
    waited_for = [each for each in ours if each.is_searched_for and not each.exercise]
    if not waited_for:
        return None
    longest = min(waited_for, key=lambda each: each.told_at)
    since = max(filter(None, (last_list, asked_after, longest.told_at)))
    return longest if at - since > SILENCE else None
