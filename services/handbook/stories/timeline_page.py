"""Renders a played story as one HTML file: a row for each moment, columns for events and for each kind of recipient."""

from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from jinja2 import Environment, StrictUndefined

from services.handbook.phrases import sentence, who, words_of
from services.protocol.policy.duties.tellings import CARERS
from services.protocol.simulate import Heard, Timeline, Told
from services.safeguarding.child_events.events import Due
from services.safeguarding.duty.outcomes import DutyAccepted, DutyDelivered, Outcome
from services.safeguarding.roles import ON_DUTY, Role

TEMPLATE = Path(__file__).parent / "timeline.html"
COLUMNS = ("Police", "On duty", "Carers", "The child's professionals", "Other agencies")
UNREMARKABLE = (DutyAccepted, DutyDelivered)
"""Answers of systems, shown at the telling that they answer and not as a row of their own."""


def page(timeline: Timeline) -> str:
    """Names nobody: a story has roles alone."""
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return template.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        story=timeline.story.story, columns=COLUMNS, rows=moments(timeline), ends=timeline.ends()
    )


def moments(timeline: Timeline) -> list[dict[str, Any]]:
    """In order, each with what happened and who was told, by `COLUMNS`."""
    tellings = {(each.duty.duty, each.duty.step): each for each in timeline.told if each.duty.act == "tell"}
    happened: dict[timedelta, list[dict[str, str]]] = defaultdict(list)
    cells: dict[timedelta, dict[str, list[dict[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for heard in timeline.heard:
        if not isinstance(heard.content, (Due, *UNREMARKABLE)):
            happened[heard.after].append(_happened(heard, tellings))
    taken = _taken(timeline)
    for told in timeline.told:
        cells[told.after][_column(told.duty.role)].append(_card(told, taken))
    return [
        {
            "after": _clock(after),
            "at": f"{timeline.story.begins + after:%a %d %b %H:%M}",
            "happened": happened[after],
            "cells": [cells[after][column] for column in COLUMNS],
        }
        for after in sorted({*happened, *cells})
    ]


def _column(role: Role) -> str:
    if role.startswith("police."):
        return COLUMNS[0]
    if role in ON_DUTY:
        return COLUMNS[1]
    if role in CARERS:
        return COLUMNS[2]
    return COLUMNS[3] if role.startswith("child.") else COLUMNS[4]


def _taken(timeline: Timeline) -> dict[tuple[UUID, int], str]:
    """How each telling ended: answered, or at least taken by the other end."""
    found: dict[tuple[UUID, int], str] = {}
    for heard in timeline.heard:
        if isinstance(heard.content, Outcome):
            became = heard.content.kind.split(".")[1]
            key = (heard.content.duty, heard.content.step)
            if found.get(key) != "acknowledged":
                found[key] = became
    return found


def _card(told: Told, taken: dict[tuple[UUID, int], str]) -> dict[str, str]:
    duty = told.duty
    withdrawn = duty.act == "withdraw"
    return {
        "who": sentence(who(duty.role)),
        "says": f"{duty.channel}: {words_of(duty.wording)}",
        "why": f"{duty.rule}, {words_of(duty.because)} ({', '.join(duty.cites)})",
        "state": "withdrawn" if withdrawn else taken.get((duty.duty, duty.step), "not taken"),
        "exercise": "exercise" if told.exercise else "",
    }


def _happened(heard: Heard, tellings: dict[tuple[UUID, int], Told]) -> dict[str, str]:
    content = heard.content
    if isinstance(content, Outcome):
        told = tellings.get((content.duty, content.step))
        name = "somebody" if told is None else who(told.duty.role)
        what = {"acknowledged": "answers: has it", "failed": "could not be reached"}
        state = content.kind.split(".")[1]
        about = "" if told is None else words_of(told.duty.wording)
        return {"says": f"{sentence(name)} {what.get(state, state)}", "about": about, "kind": state}
    said = {"text": "by a carer's text", "force": "by police", "agency": "by an agency", "console": "in the console"}
    about = said.get(getattr(content, "channel", ""), "")
    return {"says": sentence(words_of(content.kind.rsplit(".v", 1)[0])), "about": about, "kind": "event"}


def _clock(after: timedelta) -> str:
    """`+0:05`, `+26:00`, with seconds where there are any: `+0:00:02`."""
    seconds = int(after.total_seconds())
    hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
    return f"+{hours}:{minutes:02}" + (f":{rest:02}" if rest else "")
