"""Gives a person what is held about them, when somebody asks for it at the console; their reason is on the record.

What is held is opened and given as JSON and a page to print. Everybody but the person who asked is masked: names and
numbers in what was written, ids everywhere.
"""

import asyncio
import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from fastapi import FastAPI, HTTPException, Request
from phonenumbers import Leniency, PhoneNumberFormat, PhoneNumberMatcher, format_number
from starlette.responses import Response

from services.console import metrics
from services.console.acts.service import ConsoleService
from services.console.policy.access import May, Operator
from services.console.policy.acts import REASON
from services.console.settings import ConsoleSettings
from services.console.web.session import SessionGuard
from services.console.web.templates import SECURITY, Pages, Templates
from services.platform.register.keys import Decryptor
from services.platform.store.disposal import Holding, holdings, schedule
from services.platform.store.encryption import Keyring
from services.platform.store.query import PATIENTLY, Query, Rows, scalar
from services.safeguarding.deeds import Faults, Field, Kind
from services.safeguarding.duty.decisions import RegisterLookedUp
from services.safeguarding.identifiers import AuthorityId
from services.safeguarding.operators import AccountId, OperatorAct

IDS = re.compile(r"\b((?:person|account|child|provisional)-[0-9a-f-]{36}|number-[0-9a-f]{64})\b")
LETTERS = re.compile(r"[^\W\d_]+")
ADDRESS = re.compile(r"[^\s@<>\"',;:]+@[^\s@<>\"',;:]+\.\w+")
DIGITS = 9
"""Of a telephone number at least: a day has eight."""
SHORT = 2
"""Letters: such a name is masked only where it is written with a capital, since it may be a word."""


@dataclass(frozen=True, slots=True)
class Person:
    """As the register names somebody: `names` of any kind, `ways` their numbers and addresses."""

    id: str
    role: str | None
    names: Sequence[str] = ()
    ways: Sequence[str] = ()


@dataclass
class Mask:
    """`own`: what stays, of the person who asked. Each other person keeps one label, such as `carer 2`."""

    own: Sequence[Person]
    others: Iterable[Person]
    _labels: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._own_ids = {each.id for each in self.own}
        self._own_ways = {way.casefold() for each in self.own for way in each.ways}
        self._roles = {each.id: each.role or "person" for each in self.others}
        self._names = _parts(self.others) - _parts(self.own)

    def mask_text(self, text: str) -> str:
        """What somebody wrote. A name that the register does not know stays."""
        parts = IDS.split(text)
        parts[::2] = map(self._mask_words, parts[::2])
        return self.mask_ids("".join(parts))

    def _mask_words(self, text: str) -> str:
        matches = PhoneNumberMatcher(text, "GB", leniency=Leniency.POSSIBLE, max_tries=1000)
        for found in reversed(list(matches)):
            is_number = sum(map(str.isdigit, found.raw_string)) >= DIGITS
            if is_number and format_number(found.number, PhoneNumberFormat.E164) not in self._own_ways:
                text = f"{text[: found.start]}[number]{text[found.end :]}"
        text = ADDRESS.sub(lambda each: each[0] if each[0].casefold() in self._own_ways else "[address]", text)
        return LETTERS.sub(self._mask_name, text)

    def mask_ids(self, text: str) -> str:
        return IDS.sub(lambda each: each[0] if each[0] in self._own_ids else f"[{self._label_of(each[0])}]", text)

    def mask_value(self, value: Any) -> Any:
        """Ids in JSON of the system's own, which holds no name."""
        if isinstance(value, dict):
            return {name: self.mask_value(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.mask_value(each) for each in value]
        return self.mask_ids(value) if isinstance(value, str) else value

    def _mask_name(self, word: re.Match[str]) -> str:
        is_name = word[0].casefold() in self._names and (len(word[0]) > SHORT or word[0][0].isupper())
        return "[name]" if is_name else word[0]

    def _label_of(self, id_: str) -> str:
        role = self._roles.get(id_) or id_.partition("-")[0]
        if id_ not in self._labels:
            self._labels[id_] = f"{role} {sum(each.startswith(f'{role} ') for each in self._labels.values()) + 1}"
        return self._labels[id_]


def _parts(people: Iterable[Person]) -> set[str]:
    return {
        part.casefold() for each in people for name in each.names for part in LETTERS.findall(name) if len(part) > 1
    }


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


EVERYTHING = ("everything",)
ACT = "SELECT act FROM acts WHERE act = %(act)s AND account = %(account)s AND child = %(subject)s"


def authority_of(subject: str) -> Query[AuthorityId | None]:
    """`subject`: a child, a person or an account. None: the database does not hold it, or not for this reader."""
    return Query("SELECT holdings.authority_of(%(subject)s)", {"subject": subject}, scalar)


def is_act_of(act: UUID, account: AccountId, subject: str) -> Query[bool]:
    """So that nobody draws by a form that another has sent, without the record."""
    return Query(ACT, {"act": act, "account": account, "subject": subject}, bool)


class SubjectAccess(ConsoleService):
    async def sees(self, operator: Operator, subject: str) -> bool:
        async with self.store.read(operator.authorities) as reader:
            authority = await reader.fetch(authority_of(subject))
        return authority is not None and operator.sees(authority)

    async def give(self, operator: Operator, subject: str, act: UUID, reason: str) -> Pack | None:
        """The same form gives the same again, and is recorded once. None: nobody whom the operator sees."""
        async with self.store.transaction(operator.authorities) as uow:
            authority = await uow.fetch(authority_of(subject))
            if authority is None or not operator.sees(authority):
                return None
            read = RegisterLookedUp(authority=authority, purpose="subject-access", fields=EVERYTHING)
            recorder, said = self.recorder(uow, operator, act, subject), {REASON.name: reason}
            is_new = await recorder.carry_out(OperatorAct.SUBJECT_ACCESS_GIVEN, said, also=[read], authority=authority)
            if not is_new and not await uow.fetch(is_act_of(act, operator.account, subject)):
                return None
            _, rows = await uow.fetch(PATIENTLY, rows_held(act, self.keyring))
        metrics.ACTS.labels(OperatorAct.SUBJECT_ACCESS_GIVEN, "done").inc()
        return await asyncio.to_thread(build_pack, rows, subject, authority, self.clocks.wall())


PAGES = Path(__file__).parent / "pages"
ASKS = (Field("copy", Kind.CHOICE, choices=("page", "file")), REASON)
WITH_PICTURE = {"Content-Security-Policy": SECURITY["Content-Security-Policy"].replace("img-src", "img-src data:")}


def mount(app: FastAPI, guard: SessionGuard, templates: Templates, settings: ConsoleSettings) -> None:
    """Into the console, as its other pages."""
    templates.add(PAGES)
    access = SubjectAccess(guard.store, guard.clocks, settings.keyring)
    SubjectAccessPages(guard, templates, access).mount(app)


@dataclass(frozen=True)
class SubjectAccessPages(Pages):
    access: SubjectAccess

    def mount(self, app: FastAPI) -> None:
        self.serve(app, "/subject-access/{subject}", self.show, self.give)

    async def show(self, request: Request, subject: str) -> Response:
        signed_in = await self.guard.require(request, May.DISCLOSE, proved=True)
        if not await self.access.sees(signed_in.operator, subject):
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-child")
        return self.templates.form(signed_in, OperatorAct.SUBJECT_ACCESS_GIVEN, ASKS, {"copy": "page"})

    async def give(self, request: Request, subject: str) -> Response:
        signed_in, form = await self.guard.enter_with_form(request, May.DISCLOSE, proved=True)
        try:
            answers = self.read(form, ASKS)
        except Faults as faults:
            what = OperatorAct.SUBJECT_ACCESS_GIVEN
            return self.templates.form(signed_in, what, ASKS, form, faults.by_field)
        pack = await self.access.give(signed_in.operator, subject, answers.act, answers.said[REASON.name])
        if pack is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-child")
        if answers.chosen["copy"] == "file":
            as_file = {"Content-Disposition": 'attachment; filename="subject-access.json"'}
            return Response(pack.as_json(), media_type="application/json", headers=as_file)
        answer = self.templates.page(signed_in, "subject-access.html", {"pack": pack})
        answer.headers.update(WITH_PICTURE)
        return answer
