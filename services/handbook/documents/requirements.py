"""Renders `docs/requirements.md`: the guidance's requirements with their rules and stories. Finds its faults."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from services.handbook.stories.golden_stories import play_all
from services.handbook.templates import render
from services.protocol.policy.rule_language.grammar import Protocol

WRITTEN = Path(__file__).parent / "requirements.yaml"
ROOT = Path(__file__).parents[3]
STORIES_SHOWN = 3
Paragraph = Annotated[str, Field(pattern=r"^S([1-9]|[1-7][0-9])$")]


class Requirement(BaseModel):
    """One of the guidance's requirements, in our own words."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    id: str = Field(pattern=r"^G[1-9][0-9]?$")
    basis: tuple[Paragraph, ...] = Field(min_length=1)
    asks: str = Field(min_length=1)
    rules: tuple[str, ...]
    though: str | None = None
    """What a reader of the rules alone would ask: why they cite other paragraphs, or where the duty ends."""
    stories: tuple[str, ...] = ()
    """Those that show it best, where its rules tell somebody in many."""
    also: tuple[str, ...] = ()
    """Files that keep what no rule can."""
    not_yet: str | None = Field(default=None, alias="not-yet")
    partial: str | None = None
    """What of it is not done, though rules and stories do the rest."""


@cache
def written() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(WRITTEN.read_text(), yaml.CSafeLoader)
    return loaded


@cache
def requirements() -> tuple[Requirement, ...]:
    """Raises ValueError (pydantic's) for a requirement that is not written as it must be."""
    return tuple(Requirement.model_validate(each) for each in written()["requirements"])


def stories_of(requirement: Requirement, told_by: Mapping[str, frozenset[str]]) -> list[str]:
    """The stories in which one of its rules tells somebody: chosen ones, then those with the fewest other rules."""
    mine, chosen = set(requirement.rules), requirement.stories
    found = (name for name, rules in told_by.items() if rules & mine)
    return sorted(found, key=lambda name: (name not in chosen, len(told_by[name]), name))


def faults(protocol: Protocol, told_by: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """What is wrong in the file. Each names the requirement and what to write."""
    for each in requirements():
        unknown = [name for name in each.rules if name not in protocol.by_id]
        for name in unknown:
            yield f"{each.id}: there is no rule {name}; name the rule that does it now (services/handbook/documents/requirements.yaml)"
        cites = {cite for name in each.rules if name not in unknown for cite in protocol.by_id[name].because.cite}
        if each.rules and not cites & set(each.basis) and each.though is None:
            yield f"{each.id}: none of its rules cites one of {', '.join(each.basis)}; cite it there, or say `though`"
        for name in (name for name in each.also if not (ROOT / name).exists()):
            yield f"{each.id}: {name} does not exist"
        for name in (name for name in each.stories if name not in stories_of(each, told_by)):
            yield f"{each.id}: in the story {name} none of its rules tells anybody"
        shown = bool(each.rules and stories_of(each, told_by))
        if not shown and each.not_yet is None:
            yield f"{each.id}: no story in which its rules tell anybody; write one, or say `not-yet`"
        if shown and each.not_yet is not None:
            yield f"{each.id}: it has rules and stories; take `not-yet` away"


def page(protocol: Protocol) -> str:
    """Markdown, the same bytes for the same rules and stories."""
    told_by, used = play_all(), {name for each in requirements() for name in each.rules}
    return render(
        "requirements.md",
        asked=[(each, stories_of(each, told_by)) for each in requirements()],
        most=STORIES_SHOWN,
        not_yet=[each for each in requirements() if each.not_yet is not None],
        not_ours=written()["not-ours"],
        partly=[each for each in requirements() if each.partial is not None],
        others=[rule.id for rule in protocol.rules if rule.id not in used],
    )
