"""Builds the evidence of one episode: JSON, from which the hashes can be computed again, and a page to read.

The page summarises each message in plain words: its kind, and the few fields that a reader asks for.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.ext.asyncio import AsyncConnection

from services.audit import store, verification
from services.audit.policy.chain import Anchor, Entry, Head, moment
from services.audit.policy.evidence import Evidence, Fact, RecordedMessage, access_of, accounts_in, evidence_of
from services.safeguarding.identifiers import code_of, telling
from services.safeguarding.working_time import TimeForm, format_time
from services.wording import read_words

MOMENT = re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)$")
VERSION = re.compile(r"\.v[0-9]+$")
WORDS = read_words(Path(__file__).with_name("message_summary.yaml"))
SPOKEN: dict[str, str] = WORDS["kinds"]
SHOWN = WORDS["fields"].split()


def plain(kind: str) -> str:
    """`child.reported-missing.v1` is "child reported missing"."""
    return SPOKEN.get(kind) or re.sub(r"[.-]", " ", VERSION.sub("", kind))


def detail(fact: Fact) -> list[tuple[str, str]]:
    """Names and values. A duty is named by the code that its recipient would text back."""
    content = fact.content
    shown = [
        (name.replace("_", " "), _in_words(content[name]))
        for name in SHOWN
        if content.get(name) not in (None, "", [], ())
    ]
    if "duty" in content and "step" in content:
        shown.insert(0, ("telling", code_of(telling(UUID(content["duty"]), content["step"]))))
    return shown


def _in_words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_in_words(each) for each in value)
    if isinstance(value, str) and MOMENT.match(value):
        return _recorded_time(datetime.fromisoformat(value))
    return WORDS["values"].get(str(value)) or VERSION.sub("", str(value))


def _recorded_time(at: datetime) -> str:
    return format_time(at, TimeForm.RECORD)


FORM = "safe-return evidence 1"
PAGES = Path(__file__).parent / "pages"


@dataclass(frozen=True)
class Pack:
    """The content of both files."""

    id: UUID
    child: str
    made_at: datetime
    evidence: Evidence
    chain: Sequence[Entry]
    heads: Sequence[Head]
    anchor: Anchor | None
    faults: Sequence[str]
    access: Sequence[RecordedMessage]
    """Sign-ins and changes of the accounts that acted."""

    @property
    def code(self) -> str:
        """What the console calls the episode."""
        return code_of(self.id)

    def as_json(self) -> str:
        """Entries of the child's other episodes show only the SHA-256 of their envelope, enough to verify the chain."""
        mine = {each.entry.position for each in self.evidence.messages}
        return json.dumps(
            {
                "form": FORM,
                "episode": str(self.id),
                "code": self.code,
                "child": self.child,
                "made_at": moment(self.made_at),
                "holds": not self.faults,
                "faults": list(self.faults),
                "standing": {
                    "episode": self.evidence.episode.model_dump(mode="json"),
                    "duties": [each.model_dump(mode="json") for each in self.evidence.duties],
                },
                "entries": [_entry(each, whole=each.position in mine) for each in self.chain],
                "access": [_entry(each.entry, whole=True) for each in self.access],
                "heads": [{"position": each.position, "hash": each.hash.hex()} for each in self.heads],
                "anchor": self.anchor
                and {
                    "number": self.anchor.number,
                    "made_at": moment(self.anchor.made_at),
                    "hash": self.anchor.hash.hex(),
                },
            },
            indent=1,
            ensure_ascii=False,
        )

    def as_page(self) -> str:
        """Sorted by the time at which things happened. The JSON has the order of the record."""
        happened = sorted(self.evidence.messages, key=lambda each: (each.at, each.entry.position))
        return _templates().get_template("pack.html").render(pack=self, evidence=self.evidence, happened=happened)


async def build_pack(connection: AsyncConnection, chain: str, episode: UUID, at: datetime) -> Pack:
    """`at` is wall time. Raises LookupError if the chain does not mention the episode."""
    verified = verification.Verified()
    await verification.verify_chain(connection, chain, verified)
    await verification.verify_anchors(connection, verified)
    entries = [each async for each in verification.entries_of(connection, chain)]
    evidence = evidence_of(entries, episode)
    access = list[RecordedMessage]()
    for account in accounts_in(evidence):
        access += access_of([each async for each in verification.entries_of(connection, account)], evidence)
    return Pack(
        id=episode,
        child=chain,
        made_at=at,
        evidence=evidence,
        chain=entries,
        heads=await store.heads_of_chain(connection, chain),
        anchor=await store.newest_anchor(connection),
        faults=verified.faults,
        access=sorted(access, key=lambda each: each.at),
    )


def _entry(entry: Entry, *, whole: bool) -> dict[str, Any]:
    shown = {"position": entry.position, "recorded_at": moment(entry.recorded_at), "previous": entry.previous.hex()}
    content = (
        {"envelope": entry.envelope.decode()}
        if whole
        else {"envelope_sha256": hashlib.sha256(entry.envelope).hexdigest()}
    )
    return shown | content | {"hash": entry.hash.hex()}


def _templates() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    templates.filters |= {"plain": plain, "detail": detail, "time": _recorded_time, "utc": moment}
    return templates
