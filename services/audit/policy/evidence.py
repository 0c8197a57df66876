"""Selects the entries of a child's chain that belong to one episode, with the last state of the episode and its duties."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.audit.policy.chain import Entry
from services.safeguarding.decisions import DutyChanged, EpisodeChanged
from services.safeguarding.identifiers import telling
from services.safeguarding.message import CONTRACTS, Message


@dataclass(frozen=True, slots=True)
class Said:
    """An entry, read. `content` is what the message held, as JSON."""

    entry: Entry
    id: str
    at: datetime
    exercise: bool
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Evidence:
    """`said` belongs to the episode, in the order of the record. `episode` and `duties` are in their last state."""

    said: Sequence[Said]
    episode: EpisodeChanged
    duties: Sequence[DutyChanged]


def evidence_of(entries: Iterable[Entry], episode: UUID) -> Evidence:
    """From a whole chain. Raises LookupError if the chain does not mention the episode."""
    said = [read(entry) for entry in entries]
    last = _newest(_contents(said, EpisodeChanged, episode))
    if last is None:
        msg = "the record holds no such episode"
        raise LookupError(msg)
    by_duty: dict[UUID, list[DutyChanged]] = {}
    for each in _contents(said, DutyChanged, episode):
        by_duty.setdefault(each.duty, []).append(each)
    duties = [newest for each in by_duty.values() if (newest := _newest(each)) is not None]
    return Evidence(_belonging(said, episode), last, duties)


def read(entry: Entry) -> Said:
    envelope = json.loads(entry.envelope)
    return Said(entry, envelope["id"], entry.happened_at, envelope.get("exercise") is True, envelope.get("data") or {})


def _belonging(said: Sequence[Said], episode: UUID) -> list[Said]:
    """Entries that name the episode, one of its duties or notices, or an event that led to a decision on it; and all entries
    between the first and the last of these that belong to no other episode.
    """
    names_by_episode = {
        name: _names_of(said, name) for name in {each.content["episode"] for each in said if "episode" in each.content}
    }
    mine = names_by_episode[str(episode)]
    others = set().union(*(names for name, names in names_by_episode.items() if name != str(episode))) - mine
    linked = [index for index, each in enumerate(said) if _named(each) & mine]
    return [
        each
        for index, each in enumerate(said)
        if index in set(linked) or (linked[0] < index < linked[-1] and not _named(each) & others)
    ]


def _names_of(said: Sequence[Said], episode: str) -> set[str]:
    """Every id that leads to the episode."""
    names = {episode}
    for each in said:
        content = each.content
        if content.get("episode") != episode:
            continue
        names |= {str(content[name]) for name in ("duty", "about_id") if name in content}
        names |= set(content.get("said", ()))
        if "duty" in content and "step" in content:
            names.add(str(telling(UUID(content["duty"]), content["step"])))
    return names


def _named(said: Said) -> set[str]:
    return {said.id} | {str(said.content[name]) for name in ("episode", "duty", "delivery") if name in said.content}


def _contents(said: Iterable[Said], contract: type[Any], episode: UUID) -> list[Any]:
    mine = (each for each in said if CONTRACTS.get(each.entry.kind) is contract)
    read_all: Iterable[Message] = (contract.read_again(each.content) for each in mine)
    return [each for each in read_all if getattr(each, "episode", None) == episode]


def _newest(standings: Sequence[Any]) -> Any:
    return max(standings, key=lambda each: each.revision, default=None)
