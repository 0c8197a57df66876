"""Renders `docs/safety-case.md`: each hazard to a child, its controls, and the tests that hold them."""

import re
from collections.abc import Iterator
from functools import cache
from math import prod
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field

from services.protocol.policy.rule_language.grammar import Protocol

WRITTEN = Path(__file__).parent / "hazards.yaml"
ROOT = Path(__file__).parents[3]
Score = Annotated[int, Field(ge=1, le=5)]
HEAD = Path(__file__).with_name("safety_case_head.md").read_text().rstrip()


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


@cache
def hazards() -> tuple[Hazard, ...]:
    """Raises ValueError (pydantic's) for a hazard that is not written as it must be."""
    return tuple(Hazard.model_validate(each) for each in yaml.safe_load(WRITTEN.read_text())["hazards"])


def faults(protocol: Protocol) -> Iterator[str]:
    """What is not so in the file, or no longer. Each names the hazard and what is gone."""
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
        msg = "; ".join(found)
        raise ValueError(msg)
    return "\n".join([HEAD, *map(_row, hazards()), *(line for each in hazards() for line in _section(each))]) + "\n"


def _row(each: Hazard) -> str:
    return f"| {each.id} | {each.hazard} | {_risk(*each.initial)} | {_risk(*each.residual)} |"


def _risk(severity: int, likelihood: int) -> str:
    return f"{severity} x {likelihood} = {severity * likelihood}"


def _section(each: Hazard) -> Iterator[str]:
    yield f"\n## {each.id}: {each.hazard}\n"
    yield f"**Cause**: {each.cause}  "
    yield f"**For the child**: {each.effect}\n"
    for control in each.controls:
        yield f"- {control.does}  "
        yield f"  {'; '.join(_evidence(control))}"
    yield f"\n**What is left**: {each.left}"


def _evidence(control: Control) -> Iterator[str]:
    if control.rules:
        yield "rules " + ", ".join(f"`{name}`" for name in control.rules)
    if control.stories:
        yield "stories " + ", ".join(f"[{Path(name).stem}](../tests/scenarios/{name})" for name in control.stories)
    if control.tests:
        yield "tests " + ", ".join(_test(name) for name in control.tests)
    if control.alerts:
        yield "alerts " + ", ".join(f"`{name}`" for name in control.alerts)


def _test(name: str) -> str:
    path, _, function = name.partition("::")
    return f"[{function.removeprefix('test_').replace('_', ' ')}](../{path})"
