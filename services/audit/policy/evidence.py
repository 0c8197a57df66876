"""Which entries of a child's chain belong to one episode, and how episode and duties stand by them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.audit.policy.chain import Entry
from services.safeguarding.duty.decisions import DutyChanged, EpisodeChanged
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
    """`said` belongs to the episode, in the order of the record. `episode` and `duties` are as they stood at its end."""

    said: Sequence[Said]
    episode: EpisodeChanged
    duties: Sequence[DutyChanged]


def evidence_of(entries: Iterable[Entry], episode: UUID) -> Evidence:
    """From a whole chain. Raises LookupError where the chain says nothing of the episode."""
    said = [read(entry) for entry in entries]
    standing = _newest(_contents(said, EpisodeChanged, episode))
    if standing is None:
        msg = "the record holds no such episode"
        raise LookupError(msg)
    by_duty: dict[UUID, list[DutyChanged]] = {}
    for each in _contents(said, DutyChanged, episode):
        by_duty.setdefault(each.duty, []).append(each)
    duties = [newest for each in by_duty.values() if (newest := _newest(each)) is not None]
    return Evidence(_belonging(said, episode), standing, duties)


def read(entry: Entry) -> Said:
    envelope = json.loads(entry.envelope)
    return Said(entry, envelope["id"], entry.happened_at, envelope.get("exercise") is True, envelope.get("data") or {})


def _belonging(said: Sequence[Said], episode: UUID) -> list[Said]:
    """What names the episode, one of its duties or tellings, or what it was decided upon; and all between the first and the last
    of these that belongs to no other episode.
    """
    of = {
        name: _names_of(said, name) for name in {each.content["episode"] for each in said if "episode" in each.content}
    }
    mine = of[str(episode)]
    others = set().union(*(names for name, names in of.items() if name != str(episode))) - mine
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
