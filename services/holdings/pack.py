"""Builds what a person is given who asks what is held about them: opened, the others masked, as JSON and a page."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.holdings.third_parties import Mask, Person
from services.platform.register.keys import Decryptor
from services.platform.store.disposal.holdings import Holding, holdings
from services.platform.store.disposal.schedule import schedule
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Rows

FORM = "safe-return subject access 1"
OTHERS = "others."
OUR_MESSAGES = "audit.entries"
NEXT_FILE = "An import was taken back: the next file from the same source undoes this, unless the source is put right."
UNTIL_AGREED = "Imports keep it until their source says the same: have the source put right too."
RECORDED = "On the record beside the first version."


class Row(NamedTuple):
    """A row as the database gives it: bytes are hexadecimal digits behind two signs."""

    table: str
    content: dict[str, Any]
    key: Decryptor


@dataclass(frozen=True)
class Pack:
    """`held`: an element for each table, with what a reader has to know of it, and its rows opened. `given`: to whom
    something was told or shown, oldest first. `corrections`: what was put right, and whether it lasts.
    """

    subject: str
    authority: str
    made_at: datetime
    held: Sequence[Mapping[str, Any]]
    given: Sequence[Mapping[str, Any]]
    corrections: Sequence[Mapping[str, Any]]

    def as_json(self) -> str:
        return json.dumps({"form": FORM} | asdict(self), indent=1, ensure_ascii=False, default=str)


def rows_held(asked: UUID, keyring: Keyring) -> Query[list[Row]]:
    """`asked`: the act at the console by which somebody asked; without it there is nothing to read."""

    def decode(rows: Rows) -> list[Row]:
        return [Row(row.place, row.held, Decryptor(keyring, row.owner or "", row.wrapped)) for row in rows]

    return Query("SELECT * FROM holdings.held(%(asked)s)", {"asked": asked}, decode)


def build_pack(rows: Sequence[Row], subject: str, authority: str, at: datetime) -> Pack:
    """`at`: wall time."""
    own = [_person(subject, each) for each in rows if each.table in {"register.people", "register.children"}]
    others = [_person(row.content["id"], row) for row in rows if row.table.startswith(OTHERS)]
    mask, shown = Mask([*own, Person(subject, None)], others), dict[str, list[dict[str, Any]]]()
    for row in rows:
        if not row.table.startswith(OTHERS):
            shown.setdefault(row.table, []).append(_shown(row, holdings()[row.table], mask, subject))
    messages = [each["envelope"] for each in shown.get(OUR_MESSAGES, [])]
    ways = {name: each["data"].get("channel") for each in messages for name in each["data"].get("words", ())}
    for words in shown.get("register.words", []):
        words["came by"] = ways.get(words["id"]) or "no message of the record names them"
    held = [_described(table, found) for table, found in shown.items()]
    return Pack(subject, authority, at, held, given(messages), corrections(shown, messages))


def _described(table: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """With where it is from, and how long it is kept."""
    holding = holdings()[table]
    record = next(each for each in schedule().records.values() if table in each.tables)
    about = {"title": holding.title, "from": holding.origin, "since": record.begins}
    about |= {"kept": record.proposed or record.period, "why": schedule().bases[record.basis]}
    return {"table": table} | about | {"fields": dict(holding.fields), "rows": rows}


def _person(id_: str, row: Row) -> Person:
    table = "register.children" if "known_as" in row.content else "register.people"
    found = dict[str, str]()
    for name in ("name", "known_as", "mobile", "email"):
        value = row.content.get(name)
        found[name] = (value if row.table == "others.accounts" else _opened(value, row.key, table, name)) or ""
    ways = [each for each in (found["mobile"], found["email"]) if each]
    return Person(id_, row.content.get("role"), (found["name"], found["known_as"]), ways)


def open_row(content: Mapping[str, Any], key: Decryptor, holding: Holding, table: str) -> dict[str, Any]:
    """Its columns as values: sealed ones opened (None: the key was erased), messages as JSON."""
    opened = dict(content)
    for name in holding.sealed:
        opened[name] = _opened(content.get(name), key, table, name)
    for name in holding.messages:
        said = content[name]
        opened[name] = json.loads(bytes.fromhex(said[2:]) if said.startswith("\\x") else said)
    return opened


def _opened(sealed: str | None, key: Decryptor, table: str, column: str) -> str | None:
    """Text, a picture as base64. None: the column is empty, or its key was erased."""
    content = None if sealed is None else key.open_bytes(bytes.fromhex(sealed[2:]), f"{table.split('.')[1]}.{column}")
    if content is None:
        return None
    return base64.b64encode(content).decode() if column == "picture" else content.decode()


def _shown(row: Row, holding: Holding, mask: Mask, subject: str) -> dict[str, Any]:
    """The fields in the file's order. Of what somebody else is reached by: that it is held."""
    opened, shown = open_row(row.content, row.key, holding, row.table), dict[str, Any]()
    if row.table == "casework.import_changes" and opened["before"] is not None:
        opened["before"] = _before(opened, row.key, mask)
    for name in holding.fields:
        value = opened[name]
        if name in holding.whose and value is not None and opened[holding.whose[name]] != subject:
            value = "[somebody else's]"
        elif name in holding.sealed and name != "picture":
            value = "[erased]" if value is None and row.content[name] is not None else value and mask.mask_text(value)
        else:
            value = value if name == "before" else mask.mask_value(value)
        if value is not None:
            shown[name] = value
    return shown


def _before(change: Mapping[str, Any], key: Decryptor, mask: Mask) -> dict[str, Any]:
    """The fields that an import changed, as they stood before. The row lies there as it lay in the register."""
    table = f"register.{change['table_name']}"
    holding = holdings()[table]
    changed = [name for name in holding.fields if name in change["fields"]]
    opened = {name: _opened(change["before"].get(name), key, table, name) for name in changed if name in holding.sealed}
    plain = {name: mask.mask_value(change["before"].get(name)) for name in changed if name not in opened}
    return plain | {name: value and mask.mask_text(value) for name, value in opened.items()}


def given(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """To whom something of the person was sent, and who looked it up: from the record, ids masked."""
    told = {
        (duty["duty"], step["step"]): step["role"]
        for duty in _each(messages, "duty.changed.v1")
        for step in duty["steps"]
    }
    acted = {name: act for act in _each(messages, "operator.acted.v1") for name in act.get("said", ())}
    found = []
    for message in messages:
        for fact in _each([message], "delivery.attempted.v1"):
            if fact["result"] == "accepted":
                to = told.get((fact.get("duty"), fact.get("step"))) or fact.get("purpose") or "not named"
                found.append(_gift(message, to, fact["medium"], fact.get("looked_up", ()), fact.get("purpose")))
        for fact in _each([message], "register.looked-up.v1"):
            by = acted.get(message["id"], {}).get("account", fact["purpose"])
            found.append(_gift(message, by, "looked up", fact["fields"], fact["purpose"]))
    return sorted(found, key=lambda each: str(each["at"]))


def _gift(message: Mapping[str, Any], to: str, by: str, fields: Sequence[str], purpose: str | None) -> dict[str, Any]:
    return {"at": message["time"], "to": to, "by": by, "fields": list(fields), "purpose": purpose}


PARTS = {"delivery.attempted.v1": "attempts", "duty.changed.v1": "duties"}
"""The field in which a message holds several of that kind."""


def _each(messages: Sequence[Mapping[str, Any]], kind: str) -> Iterator[Mapping[str, Any]]:
    """The content of each message of the kind, by itself or in one that holds several."""
    for message in messages:
        held = [message["data"]] if message["type"] == kind else message["data"].get(PARTS.get(kind, ""), ())
        yield from (each for each in held if isinstance(each, dict))


def corrections(
    held: Mapping[str, Sequence[Mapping[str, Any]]], messages: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """What was put right: numbers by hand, imports that changed something or were taken back, events corrected."""
    imports = {each["id"]: each for each in held.get("casework.imports", [])}
    found = [
        {"at": each["made_at"], "by": each["made_by"], "what": [each["field"]], "lasts": UNTIL_AGREED}
        for each in held.get("register.corrections", [])
    ]
    for change in held.get("casework.import_changes", []):
        source = imports[change["import"]]
        more = {"before": change.get("before"), "lasts": NEXT_FILE if "undoes" in source else "From the source itself."}
        found.append({"at": source["at"], "by": source["actor"], "what": change["fields"]} | more)
    found += [
        {"at": each["time"], "by": "the message names it", "what": [each["type"]], "lasts": RECORDED}
        for each in messages
        if each["data"].get("corrects_event")
    ]
    return sorted(found, key=lambda each: str(each["at"]))
