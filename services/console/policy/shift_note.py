"""Writes what a shift leaves to the next: what is open, whom it waits for, and who promised what."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from services.console.policy.status import CaseLine, DutyLine, RecordedMessage
from services.safeguarding.child_events.events import ShiftAccepted, ShiftHandedOver
from services.safeguarding.deeds import WORDS_AT_MOST
from services.safeguarding.duty.decisions import StepRecord
from services.safeguarding.identifiers import PersonId
from services.safeguarding.working_time import TimeForm, format_time

InWords = Callable[[object, str], str]
"""The words for a value of a field."""
ROOM_TO_WRITE = 400
NOTHING = "Nothing is open."


@dataclass(frozen=True, slots=True)
class HandOver:
    at: datetime
    made: ShiftHandedOver
    accepted: RecordedMessage[ShiftAccepted] | None
    """The first word after it of somebody who has it."""


def hand_overs(said: Iterable[RecordedMessage[Any]]) -> list[HandOver]:
    """The newest first."""
    found: list[HandOver] = []
    accepted: dict[PersonId, RecordedMessage[ShiftAccepted]] = {}
    for each in sorted(said, key=lambda each: each.at, reverse=True):
        if isinstance(each.content, ShiftAccepted):
            accepted[each.content.contact] = each
        else:
            found.append(HandOver(each.at, each.content, accepted.pop(each.content.contact, None)))
    return found


def write_note(cases: Sequence[CaseLine], in_words: InWords) -> str:
    """Names children by their codes. Leaves room to write; what finds none is counted."""
    blocks = describe_cases(cases, in_words)
    note: list[str] = []
    for at, block in enumerate(blocks):
        if sum(map(len, note)) + len(block) > WORDS_AT_MOST - ROOM_TO_WRITE:
            note.append(f"And {len(blocks) - at} more: see the console.")
            break
        note.append(block)
    return "\n\n".join(note) or NOTHING


def describe_cases(cases: Sequence[CaseLine], in_words: InWords) -> list[str]:
    """A case each: how it stands, then a line for each of its most pressing duties."""
    return ["\n".join(_block(each, in_words)) for each in cases]


def _block(line: CaseLine, in_words: InWords) -> Iterable[str]:
    episode = line.episode.content
    name = line.code or "Not yet identified"
    yield f"{name} ({line.reference}): {in_words(episode.state, 'state')} since {_hour(episode.returned_at or episode.opened_at)}."
    yield from chain.from_iterable(_duty(each, in_words) for each in line.asked)
    if line.waiting > len(line.asked):
        yield f"- And {line.waiting - len(line.asked)} more wait for an answer: see the console."
    if episode.open_conditions:
        still = ", ".join(in_words(each, "open_conditions") for each in episode.open_conditions)
        yield f"- Before it closes: {still}."


def _duty(line: DutyLine, in_words: InWords) -> Iterable[str]:
    duty = line.duty.content
    if not duty.steps:
        return
    matter, promised = in_words(duty.wording, "wording"), _promise(duty.steps)
    then = "" if duty.next_step_at is None else f"; asked again {_hour(duty.next_step_at)}"
    if promised is not None:
        yield f"- {matter}: {in_words(promised.role, 'role')} has it since {_hour(promised.changed_at)}{then}."
    else:
        last = duty.steps[-1]
        yield f"- {matter}: waits for {in_words(last.role, 'role')}, told {_hour(last.told_at)}{then}."


def _promise(steps: Iterable[StepRecord]) -> StepRecord | None:
    """The newest word of somebody that they have it."""
    said = [each for each in steps if each.state == "acknowledged"]
    return max(said, key=lambda each: each.changed_at, default=None)


def _hour(at: datetime) -> str:
    return format_time(at, TimeForm.WEEKDAY)
