"""Decides on each fact that a message holds, in turn, and sums up what the message as a whole brought about."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.protocol.policy.case import Case
from services.protocol.policy.decide import decide
from services.protocol.policy.draft import Deadline, Decision, Happened, Protocols
from services.protocol.policy.facts import Facts
from services.safeguarding.duty.decisions import DutyChanged, EpisodeChanged
from services.safeguarding.duty.duties import part_ids, parts_of
from services.safeguarding.duty.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Turn:
    """One fact, the case that it met, and what was decided upon it."""

    happened: Happened
    before: Case
    decision: Decision


def take_turns(
    case: Case, happened: Happened, facts: Facts, protocols: Protocols, now: datetime, joined: Case | None = None
) -> list[Turn]:
    """As `decide`, for each part of the message under its own id: the next one meets the case as this one left it.
    Evidence, such as an attempt, is decided upon by nobody.
    """
    turns: list[Turn] = []
    content = happened.content
    for part, name in zip(parts_of(content), part_ids(content, happened.id), strict=True):
        if isinstance(part, Evidence):
            continue
        alone = happened if part is content else replace(happened, content=part, id=name)
        turns.append(Turn(alone, case, decide(case, alone, facts, protocols, now, joined)))
        case = turns[-1].decision.case
    return turns


def sum_up(case: Case, turns: Sequence[Turn]) -> Decision:
    """One decision on the whole message. Each deadline, episode and duty is in it once, as the last turn left it.

    `case` is the one that the first turn met: a message without any part leaves it as it is.
    """
    if len(turns) == 1:
        return turns[0].decision
    whole = Decision(case=turns[-1].decision.case if turns else case)
    deadlines: dict[UUID, Deadline | None] = {}
    changes: dict[UUID, EpisodeChanged | DutyChanged] = {}
    for decision in (turn.decision for turn in turns):
        deadlines |= dict.fromkeys(decision.cancelled) | {each.deadline: each for each in decision.deadlines}
        changes |= {each.duty if isinstance(each, DutyChanged) else each.episode: each for each in decision.changes}
        whole.duties += decision.duties
        whole.decided += decision.decided
        whole.exercises |= decision.exercises
    whole.deadlines = [each for each in deadlines.values() if each is not None]
    whole.cancelled = [name for name, each in deadlines.items() if each is None]
    whole.changes = list(changes.values())
    return whole
