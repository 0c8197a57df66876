"""Renders `docs/safety-case.md`: each hazard to a child, its controls, and the tests that hold them."""

import re
from collections.abc import Iterator
from functools import cache
from math import prod
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field

from services.handbook.templates import render
from services.protocol.policy.rule_language.grammar import Protocol

WRITTEN = Path(__file__).parent / "hazards.yaml"
ROOT = Path(__file__).parents[3]
Score = Annotated[int, Field(ge=1, le=5)]


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Control(_Written):
    """What stands in a hazard's way. A test or a story holds it."""

    does: str = Field(min_length=1)
    rules: tuple[str, ...] = ()
    stories: tuple[str, ...] = ()
    tests: tuple[Annotated[str, Field(pattern=r"^tests/[a-z0-9_/]+\.py::test_[a-z0-9_]+$")], ...] = ()
    alerts: tuple[str, ...] = ()


class Hazard(_Written):
    id: str = Field(pattern=r"^H[1-9][0-9]?$")
    hazard: str
    cause: str
    effect: str
    """On the child."""
    initial: tuple[Score, Score]
    """Severity and likelihood, without the controls."""
    residual: tuple[Score, Score]
    controls: tuple[Control, ...] = Field(min_length=1)
    left: str
    """What the controls do not cover."""
    concerns_rights: bool = False
    """Of a person, whose data it is: then it stands in the data protection impact assessment too."""


@cache
def hazards() -> tuple[Hazard, ...]:
    """Raises ValueError (pydantic's) for a hazard that is not written as it must be."""
    return tuple(Hazard.model_validate(each) for each in yaml.load(WRITTEN.read_text(), yaml.CSafeLoader)["hazards"])


def faults(protocol: Protocol) -> Iterator[str]:
    """What is wrong in the file. Each names the hazard and what is gone."""
    alerts = _alerts()
    for each in hazards():
        if prod(each.residual) > prod(each.initial):
            yield f"{each.id}: the risk with its controls is higher than without"
        for control in each.controls:
            gone = [f"rule {name}" for name in control.rules if name not in protocol.by_id]
            gone += [f"story {name}" for name in control.stories if not (ROOT / "tests/scenarios" / name).exists()]
            gone += [f"test {name}" for name in control.tests if not _is_there(name)]
            gone += [f"alert {name}" for name in control.alerts if name not in alerts]
            yield from (f"{each.id}: there is no {name}" for name in gone)
            if not control.tests and not control.stories:
                yield f"{each.id}: no test or story holds this control: {control.does}"


def _alerts() -> set[str]:
    rules = (ROOT / "infra/prometheus/rules").glob("*.yaml")
    return {name for each in rules for name in re.findall(r"alert: (\w+)", each.read_text())}


def _is_there(test: str) -> bool:
    path, _, name = test.partition("::")
    file = ROOT / path
    return file.exists() and re.search(rf"def {name}\(", file.read_text()) is not None


def page(protocol: Protocol) -> str:
    """Markdown, the same bytes for the same hazards. Raises ValueError that names each control that no longer holds."""
    found = [*faults(protocol)]
    if found:
        raise ValueError("; ".join(found))
    return render("safety_case.md", hazards=hazards())
