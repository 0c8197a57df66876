"""Selects the entries of a child's chain that belong to one episode, with the episode's and its duties' last state."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.audit.policy.chain import Entry
from services.safeguarding.duty.decisions import DutyChanged, EpisodeChanged
from services.safeguarding.duty.duties import HOLDING_OTHERS, parts_of
from services.safeguarding.identifiers import telling
from services.safeguarding.message import CONTRACTS, Message
from services.safeguarding.operators import AccessRecorded, OperatorActed

BEFORE_ACTING = timedelta(hours=24)
"""The longest session began within this time of its last act."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A message's data as JSON, or one of several facts that the message holds."""

    kind: str
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RecordedMessage:
    """The message of an entry, as the facts that it holds."""

    entry: Entry
    id: str
    at: datetime
    exercise: bool
    facts: Sequence[Fact]


@dataclass(frozen=True, slots=True)
class Evidence:
    """`messages` belong to the episode, in the order of the record. `episode` and `duties` are in their last state."""

    messages: Sequence[RecordedMessage]
    episode: EpisodeChanged
    duties: Sequence[DutyChanged]


def evidence_of(entries: Iterable[Entry], episode: UUID) -> Evidence:
    """From a whole chain. Raises LookupError if the chain does not mention the episode."""
    messages = [read(entry) for entry in entries]
    last = _newest(_contents(messages, EpisodeChanged, episode))
    if last is None:
        raise LookupError("the record holds no such episode")
    by_duty: dict[UUID, list[DutyChanged]] = {}
    for each in _contents(messages, DutyChanged, episode):
        by_duty.setdefault(each.duty, []).append(each)
    return Evidence(_belonging(messages, episode), last, [_newest(each) for each in by_duty.values()])


def accounts_in(evidence: Evidence) -> list[str]:
    """The console's accounts that acted in the episode."""
    facts = [fact for each in evidence.messages for fact in each.facts if fact.kind == OperatorActed.kind]
    return sorted({str(fact.content["account"]) for fact in facts})


def access_of(entries: Iterable[Entry], evidence: Evidence) -> list[RecordedMessage]:
    """The entries of an account's chain that show how it came to be signed in while the episode went on."""
    times = [each.at for each in evidence.messages]
    begin, end = min(times) - BEFORE_ACTING, max(times)
    return [read(each) for each in entries if begin <= each.happened_at <= end and each.kind == AccessRecorded.kind]


def read(entry: Entry) -> RecordedMessage:
    envelope = json.loads(entry.envelope)
    exercise = envelope.get("exercise") is True
    return RecordedMessage(
        entry, envelope["id"], entry.happened_at, exercise, _facts(entry.kind, envelope.get("data") or {})
    )


def _facts(kind: str, data: dict[str, Any]) -> list[Fact]:
    contract = CONTRACTS.get(kind)
    if contract is None or not issubclass(contract, HOLDING_OTHERS):
        return [Fact(kind, data)]
    parts = parts_of(contract.read_again(data))
    return [Fact(each.kind, each.model_dump(mode="json", exclude_defaults=True)) for each in parts]


def _belonging(messages: Sequence[RecordedMessage], episode: UUID) -> list[RecordedMessage]:
    """Entries that name the episode, one of its duties or notices, or an event that led to a decision on it; and all
    entries between the first and the last of these that belong to no other episode.
    """
    episodes = {fact.content["episode"] for each in messages for fact in each.facts if "episode" in fact.content}
    names_by_episode = {name: _names_of(messages, name) for name in episodes}
    mine = names_by_episode[str(episode)]
    others = set().union(*(names for name, names in names_by_episode.items() if name != str(episode))) - mine
    linked = [index for index, each in enumerate(messages) if _named(each) & mine]
    between = messages[linked[0] : linked[-1] + 1]
    return [each for each in between if _named(each) & mine or not _named(each) & others]


def _names_of(messages: Sequence[RecordedMessage], episode: str) -> set[str]:
    """Every id that leads to the episode."""
    names = {episode}
    for content in (fact.content for each in messages for fact in each.facts):
        if content.get("episode") != episode:
            continue
        names |= {str(content[name]) for name in ("duty", "about_id") if name in content}
        names |= set(content.get("said", ()))
        if "duty" in content and "step" in content:
            names.add(str(telling(UUID(content["duty"]), content["step"])))
    return names


def _named(message: RecordedMessage) -> set[str]:
    contents = [fact.content for fact in message.facts]
    return {message.id} | {
        str(each[name]) for each in contents for name in ("episode", "duty", "delivery") if name in each
    }


def _contents(messages: Iterable[RecordedMessage], contract: type[Any], episode: UUID) -> list[Any]:
    mine = (fact for each in messages for fact in each.facts if CONTRACTS.get(fact.kind) is contract)
    read_all: Iterable[Message] = (contract.read_again(each.content) for each in mine)
    return [each for each in read_all if getattr(each, "episode", None) == episode]


def _newest(standings: Sequence[Any]) -> Any:
    return max(standings, key=lambda each: each.revision, default=None)
