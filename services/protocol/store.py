"""Keeps cases and their protocols, and reads the facts that the register gives the protocol."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cachetools import LRUCache

from services.platform.register.child import (
    Known,
    authority_of_child,
    facts_at_placement,
    facts_by_child,
    first_authority,
)
from services.platform.store.query import Query, Rows, bulk_insert, to_columns, unnest_rows
from services.platform.store.unit_of_work import Local, UnitOfWork
from services.protocol.loader import parse
from services.protocol.policy.case import Case, Facts
from services.protocol.policy.rule_language.grammar import Protocol

CASES_KEPT = 256
NOBODY = "unassigned"
"""The authority of a child whom no register holds: its duties stay unanswered on the console, for all to see."""

OPEN = bulk_insert("protocol.cases", {"child": "text", "version": "integer", "state": "text"}, "ON CONFLICT DO NOTHING")
HOLD = """
    SELECT child, CASE WHEN sha256(convert_to(state, 'UTF8')) <> ALL(%(kept)s::bytea[]) THEN state END AS state
    FROM protocol.cases WHERE child = ANY(%(children)s) ORDER BY child FOR UPDATE
"""
SAVE = f"""
    UPDATE protocol.cases SET state = given.state, version = version + 1
    FROM {unnest_rows({"child": "text", "state": "text"})} WHERE cases.child = given.child
"""  # noqa: S608 this module's own words
SAVE_PROTOCOL = "INSERT INTO protocol.protocols (hash, merged) VALUES (%(hash)s, %(merged)s) ON CONFLICT DO NOTHING"
PROTOCOL = "SELECT merged FROM protocol.protocols WHERE hash = %(hash)s"

PARSED: dict[tuple[str], Protocol] = {}
"""By hash. A protocol never changes, so each is read once a process."""

KEPT: LRUCache[str, tuple[bytes, Case]] = LRUCache(CASES_KEPT)
"""The cases that this process read or wrote last, by child, each with its text's hash. PostgreSQL gives the text where
its own is another: so a case that somebody else wrote, or that a rollback or a restoration undid, is read anew.
"""


@dataclass(frozen=True, slots=True)
class Held:
    """`known` is what the register lets the protocol know of the child; None where it does not know the child."""

    case: Case
    known: Known | None


HELD: Local[dict[str, Held]] = Local(dict)


def held_cases(children: Collection[str]) -> tuple[Query[Any], ...]:
    """Locks the cases of these children, opened where there are none, until the transaction ends: no other process
    decides on these children meanwhile. Always in one order, so that two processes cannot deadlock. `remember` takes
    the answers.
    """
    names = sorted(children)
    kept = {child: KEPT[child] for child in names if child in KEPT}
    empty = [{"child": child, "version": 0, "state": _written(Case(child=child))} for child in names]
    return (
        Query(OPEN, to_columns(empty), lambda _rows: None),
        Query(
            HOLD,
            {"children": names, "kept": [digest for digest, _ in kept.values()]},
            lambda rows: _read_cases(rows, kept),
        ),
        facts_by_child(names),
    )


def remember(uow: UnitOfWork, answers: Sequence[Any]) -> None:
    _, cases, known = answers
    uow.local(HELD).update({child: Held(case, known.get(child)) for child, case in cases.items()})


async def hold(uow: UnitOfWork, child: str) -> Held:
    """The child's case, locked until the transaction ends: as this transaction has changed it, where it has."""
    if child not in uow.local(HELD):
        remember(uow, await uow.fetch(*held_cases([child])))
    return uow.local(HELD)[child]


def save(uow: UnitOfWork, held: Held, case: Case) -> None:
    """Writes the case with the commit. From now on `hold` gives it as it is here."""
    uow.save_once(SAVE, case.child, lambda: {"child": case.child, "state": _keep_case(case, _written(case))})
    uow.local(HELD)[case.child] = replace(held, case=case)


def _read_cases(rows: Rows, kept: Mapping[str, tuple[bytes, Case]]) -> dict[str, Case]:
    cases = {}
    for row in rows:
        if row.state is None:
            cases[row.child] = kept[row.child][1]
        else:
            cases[row.child] = Case.model_validate_json(row.state)
            _keep_case(cases[row.child], row.state)
    return cases


def _written(case: Case) -> str:
    return case.model_dump_json(exclude_defaults=True)


def _keep_case(case: Case, written: str) -> str:
    """Returns what is written."""
    KEPT[case.child] = hashlib.sha256(written.encode()).digest(), case
    return written


def save_protocol(uow: UnitOfWork, protocol: Protocol, merged: str) -> None:
    """Writes it with the commit. `merged` is its text."""
    uow.write(SAVE_PROTOCOL, {"hash": protocol.hash, "merged": merged})
    PARSED[(protocol.hash,)] = protocol


def protocol_by_hash(name: str) -> Query[Protocol]:
    """Raises LookupError for a protocol that was never saved: no case can go by one."""

    def decode(rows: Rows) -> Protocol:
        if not rows:
            raise LookupError(f"the protocol {name} was never saved")
        return parse(rows[0].merged)

    return Query(PROTOCOL, {"hash": name}, decode, cache=PARSED)


async def facts_of(uow: UnitOfWork, known: Known | None, placement: str | None, authority: str | None) -> Facts:
    """A child whom the register does not know has the facts of `placement` and the authority that the message names. An
    unreadable message names none: the register's first authority, by name, looks into it.
    """
    if known is not None and known["authority"] is not None:
        return Facts.model_validate(known)
    at_placement, first = await uow.fetch(facts_at_placement(placement), first_authority())
    known = dict(known or at_placement)
    known["authority"] = known["authority"] or authority or first or NOBODY
    return Facts.model_validate(known)


async def authority_of(uow: UnitOfWork, child: str) -> str:
    """As `facts_of` for a message that names none. Reads nothing else: another fact may be what is at fault."""
    named, first = await uow.fetch(authority_of_child(child), first_authority())
    return named or first or NOBODY
