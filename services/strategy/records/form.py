"""Builds and reads the form on which a discussion is recorded. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from services.platform.delivery.links.pages import Choice, Field, Form, Group
from services.safeguarding.child_events.discussion_events import PlannedStep
from services.safeguarding.dates import Day
from services.safeguarding.roles import PLAN_OWNERS, Role
from services.strategy.wording import Words

STEPS = 6
SAID_AT_MOST, STEP_AT_MOST = 4000, 300
WITHIN = timedelta(days=366)
FORMS = ("urgent", "full")
SECTION_47 = ("enquiry", "no-enquiry", "under-way")
PARTS = ("what", "owner", "due")
_day = TypeAdapter[date](Day)


@dataclass(frozen=True, slots=True)
class Filled:
    """`texts`: what was said, then one text for each step. `fields` are those of a `StrategyDiscussionHeld`."""

    texts: tuple[str, ...]
    fields: dict[str, Any]


def read(form: Form, spoken: Words, *, on: date) -> Filled | dict[str, str]:
    """The record; or, by field, the correction to ask for. `on` is the day of the discussion."""
    wrong: dict[str, str] = {}
    for name, allowed in (("form", FORMS), ("section_47", SECTION_47)):
        if form.one(name) not in allowed:
            wrong[name] = spoken.record("choose")
    said = form.one("said")
    if not 1 <= len(said) <= SAID_AT_MOST:
        wrong["said"] = spoken.record("write")
    steps = [step for number in range(1, STEPS + 1) if (step := _step(form, number, spoken, on, wrong)) is not None]
    if wrong:
        return wrong
    fields = {
        "form": form.one("form"),
        "section_47": form.one("section_47"),
        "came": tuple(role for role in map(_role, form.all("came")) if role is not None),
        "plan": tuple(step for _, step in steps),
    }
    return Filled((said, *(what for what, _ in steps)), fields)


def _step(form: Form, number: int, spoken: Words, on: date, wrong: dict[str, str]) -> tuple[str, PlannedStep] | None:
    what, owner, due = (form.one(f"{part}-{number}") for part in PARTS)
    if not (what or owner or due):
        return None
    role, day = _role(owner), _date(due)
    for part, is_there in (
        ("what", 1 <= len(what) <= STEP_AT_MOST),
        ("owner", role in PLAN_OWNERS),
        ("due", bool(due)),
    ):
        if not is_there:
            wrong[f"{part}-{number}"] = spoken.record("step-incomplete")
    if due and (day is None or not on <= day <= on + WITHIN):
        wrong[f"due-{number}"] = spoken.record("day-wrong")
    if role is None or day is None or role not in PLAN_OWNERS:
        return None
    return what, PlannedStep(owner=role, due_on=day)


def _role(written: str) -> Role | None:
    return Role(written) if written in frozenset(Role) else None


def _date(written: str) -> date | None:
    try:
        return _day.validate_strings(written)
    except ValidationError:
        return None


def build_groups(spoken: Words, invited: tuple[Role, ...], filled: Form, wrong: dict[str, str]) -> tuple[Group, ...]:
    """The fields with their present values. The caller ticks beforehand those who said that they come."""
    first = Group(
        (
            _choice(spoken, "form", "form", FORMS, filled, wrong),
            Field(
                "came",
                spoken.record("came"),
                "any-of",
                choices=tuple(Choice(role, spoken.role(role), role in filled.all("came")) for role in invited),
            ),
            _choice(spoken, "section_47", "section-47", SECTION_47, filled, wrong),
            Field(
                "said",
                spoken.record("said"),
                "words",
                value=filled.one("said"),
                hint=spoken.record("said-hint"),
                wrong=wrong.get("said", ""),
            ),
        )
    )
    return (first, *(_step_group(spoken, number, filled, wrong) for number in range(1, STEPS + 1)))


def _choice(
    spoken: Words, name: str, words: str, values: tuple[str, ...], filled: Form, wrong: dict[str, str]
) -> Field:
    choices = tuple(Choice(each, spoken.record(f"{words}-{each}"), each == filled.one(name)) for each in values)
    return Field(name, spoken.record(words), "one-of", choices=choices, wrong=wrong.get(name, ""))


def _step_group(spoken: Words, number: int, filled: Form, wrong: dict[str, str]) -> Group:
    owner = filled.one(f"owner-{number}")
    owners = tuple(Choice(role, spoken.role(role), role == owner) for role in Role if role in PLAN_OWNERS)
    kinds = {"what": "line", "owner": "list", "due": "day"}
    fields = tuple(
        Field(
            name := f"{part}-{number}",
            spoken.record(part),
            kinds[part],  # type: ignore[arg-type]
            value=filled.one(name),
            choices=owners if part == "owner" else (),
            wrong=wrong.get(name, ""),
        )
        for part in PARTS
    )
    is_empty = not any(filled.one(f"{part}-{number}") for part in PARTS)
    return Group(fields, spoken.record("step", number=number), folded=is_empty and number > 1)
