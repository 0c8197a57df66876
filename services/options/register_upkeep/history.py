"""Records what each import changed, row by row (by triggers in the database), and undoes it.

The undoing is an import of its own that can be undone too.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg

from services.casework.store import people_on_directory, publish_directory_changes
from services.options.register_upkeep.policy.register_import import Loss
from services.options.register_upkeep.writer import CODES_ARE_UNIQUE, CODES_MAY_SWAP, people_sharing_a_number
from services.platform.register.directory import lock_register
from services.platform.register.operators import operator_by_code
from services.platform.store.disposal import shorter_periods
from services.platform.store.query import Query, Rows, all_rows, first_row
from services.platform.store.story_clock import ahead_by
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.events import ChildRecordChanged
from services.safeguarding.duty.decisions import RegisterImported, TableChanged
from services.safeguarding.identifiers import AuthorityId

BEGIN = "SELECT set_config('safe_return.import', %(import)s, true)"
CHANGED = "SELECT name, changed FROM tables_changed WHERE import = %(import)s ORDER BY name"
CHANGES = """
    SELECT name, added, removed, (SELECT jsonb_object_agg(f.field, f.rows) FROM fields_changed f
        WHERE f.import = t.import AND f.name = t.name) AS fields
    FROM tables_changed t WHERE import = %(import)s ORDER BY name
"""
LOSSES = """
    SELECT what, lost, of_all FROM losses_of(%(import)s::uuid || array(SELECT id FROM imports WHERE %(fed)s AND fed
        AND authority = %(authority)s AND at > %(since)s
        AND at > (SELECT coalesce(max(at), '-infinity') FROM imports WHERE authority = %(authority)s AND confirmed)
    ), %(authority)s)
"""
KEEP = """
    SELECT keep_import(%(import)s, %(authority)s, %(actor)s, %(at)s, %(tables)s::text[], %(sha256)s, %(undoes)s, %(fed)s,
        %(confirmed)s)
"""
PERIODS = """
    SELECT c.before -> 'retention' AS before, a.retention AS after FROM import_changes c
    JOIN register.authorities a ON a.id = c.key ->> 'id'
    WHERE c.import = %(import)s AND c.table_name = 'authorities' AND (c.before ->> 'live')::boolean
"""
SET_PERIOD = """
    UPDATE register.authorities SET retention = retention || jsonb_build_object(%(record)s::text, %(days)s::int)
    WHERE id = %(authority)s RETURNING true
"""
MOVED = """
    SELECT key ->> 'id' AS child FROM import_changes WHERE import = %(import)s AND table_name = 'children'
    AND after_hash IS NOT NULL AND fields && ARRAY['adult_on', 'age_disputed', 'placement', 'entered_care_at',
        'subject_to_immigration_control', 'guardian_allocated']
    ORDER BY place
"""
"""Children of whom the import changed a field from which the protocol calculates."""
LAST = "SELECT * FROM imports_shown WHERE authority = %(authority)s ORDER BY at DESC, id LIMIT %(most)s"
ONE = "SELECT * FROM imports_shown WHERE id = %(import)s"
SINCE = "SELECT table_name AS name, later, count(*) AS rows FROM changed_since(%(import)s) GROUP BY table_name, later"
FORGET = """
    DELETE FROM import_changes WHERE place = ANY(ARRAY(
        SELECT c.place FROM imports i JOIN import_changes c ON c.import = i.id WHERE i.at < %(before)s
        AND NOT disposal.is_held(ARRAY[c.key ->> 'id', c.before ->> 'child'], ARRAY[i.authority]) LIMIT %(most)s
    )) RETURNING true
"""
FORGOTTEN_AT_ONCE = 2000
KEPT = timedelta(days=35)
"""As long as a backup: the rows before an import are personal."""
AGES = "SELECT authority, name, at FROM last_imported"
COUNTED_TOGETHER = timedelta(hours=1)
"""Single rows: a broken feed ends many by many small requests."""


@dataclass(frozen=True, slots=True)
class ImportSource:
    """`actor` is the credential, or the account of who undid an import (`undoes`). `sha256`: of the file."""

    actor: str
    tables: Collection[str] = ()
    sha256: str | None = None
    undoes: UUID | None = None
    fed: bool = False
    confirmed: bool = False


async def begin_import(uow: UnitOfWork) -> UUID:
    """From here on the transaction's changes of the register are recorded under this id."""
    imported = uuid4()
    await uow.fetch(Query(BEGIN, {"import": str(imported)}, all_rows))
    return imported


def forget_old_rows(now: datetime) -> Query[bool]:
    """Every authority's, even if it imports no more. True while there are more. `now` is story time."""
    asked = {"before": now - KEPT, "most": FORGOTTEN_AT_ONCE}
    return Query(FORGET, asked, lambda rows: len(rows) == asked["most"])


def losses_of(imported: UUID, authority: AuthorityId, at: datetime, *, fed: bool) -> Query[dict[str, Loss]]:
    """What it has ended so far: carers, people on the directory, numbers of those whom we reach; and which
    placements it moves to another address or force. `fed`: counts the single rows of the last hour with it, since the
    last import that was confirmed. `at` is story time.
    """
    asked = {"import": imported, "authority": authority, "since": at - COUNTED_TOGETHER, "fed": fed}
    return Query(LOSSES, asked, lambda rows: {row.what: Loss(row.lost, row.of_all) for row in rows})


def shortened_periods(imported: UUID) -> Query[list[str]]:
    """The records whose period the import shortens: a sweep would delete what was to stay. None before the authority
    is live, since nothing real is kept.
    """
    return Query(PERIODS, {"import": imported}, lambda rows: [each for row in rows for each in shorter_periods(*row)])


def set_period(authority: AuthorityId, record: str, days: int) -> Query[bool]:
    """False: there is no such authority."""
    return Query(SET_PERIOD, {"authority": authority, "record": record, "days": days}, bool)


def changes_of(imported: UUID) -> Query[dict[str, Any]]:
    """What it has changed so far, by table: rows added and removed, and in how many others which field differs."""
    return Query(
        CHANGES,
        {"import": imported},
        lambda rows: {
            row.name: {"added": row.added, "removed": row.removed, "fields": row.fields or {}} for row in rows
        },
    )


async def publish_date_changes(uow: UnitOfWork, authority: AuthorityId, imported: UUID) -> None:
    for row in await uow.fetch(Query(MOVED, {"import": imported}, all_rows)):
        uow.publish(ChildRecordChanged(authority=authority), subject=row.child)


async def keep_import(
    uow: UnitOfWork, imported: UUID, authority: AuthorityId, source: ImportSource, at: datetime
) -> Mapping[str, int]:
    """Keeps it, publishes it, and returns how many rows of each table it changed. `at` is story time."""
    changed: dict[str, int] = await uow.fetch(Query(CHANGED, {"import": imported}, dict))
    row = {"import": imported, "authority": authority, "actor": source.actor, "at": at, "tables": sorted(source.tables)}
    how = {"sha256": source.sha256, "undoes": source.undoes, "fed": source.fed, "confirmed": source.confirmed}
    uow.write(KEEP, row | how)
    tables = [TableChanged(table=name, rows=changed.get(name, 0)) for name in sorted({*source.tables, *changed})]
    event = RegisterImported(
        authority=authority,
        record=imported,
        actor=source.actor,
        tables=tuple(tables),
        sha256=source.sha256,
        undoes=source.undoes,
    )
    uow.publish(event, subject=f"register-{authority}", at=at)
    return changed


def last_imports(authority: AuthorityId, most: int) -> Query[Rows]:
    return Query(LAST, {"authority": authority, "most": most}, all_rows)


def import_by_id(imported: UUID) -> Query[Any]:
    """None: there is none."""
    return Query(ONE, {"import": imported}, first_row)


def changed_since(imported: UUID) -> Query[Rows]:
    """How many rows of each table are no longer as the import left them, by the later import that changed them. None: a
    person or a transfer did.
    """
    return Query(SINCE, {"import": imported}, all_rows)


def undo(imported: UUID) -> Query[Rows]:
    """Puts back each row that is as the import left it."""
    return Query("SELECT undo_import(%(import)s)", {"import": imported}, all_rows)


def ages(now: datetime) -> Query[dict[tuple[AuthorityId, str], float]]:
    """Seconds since each authority last imported each table, story time."""
    return Query(AGES, {}, lambda rows: {(row.authority, row.name): (now - row.at).total_seconds() for row in rows})


class CannotUndo(Exception):
    """Nothing was changed; the text says why."""


async def undo_by_code(uow: UnitOfWork, imported: UUID, code: str, now: datetime, *, leave: bool) -> UUID:
    """As `undo_import`, in the name of the code's owner. Raises CannotUndo."""
    operator, found = await uow.fetch(operator_by_code(code, now), import_by_id(imported))
    if operator is None or found is None or not operator.sees(found.authority):
        raise CannotUndo(
            "the code is wrong or too old, or there is no such import of an authority of the code's owner: a duty manager's"
            " or an operator's code is needed"
        )
    return await undo_import(uow, imported, found.authority, operator.account, now, leave=leave, by_person=True)


async def undo_import(
    uow: UnitOfWork,
    imported: UUID,
    authority: AuthorityId,
    by: str,
    now: datetime,
    *,
    leave: bool = False,
    by_person: bool = False,
) -> UUID:
    """The id of the undoing. `by`: an account or a credential, which shortens no period. `leave`: what was changed
    since stays; otherwise that is a reason to refuse. `now` is wall time.

    Raises CannotUndo.
    """
    await lock_register(uow, authority)
    found = await uow.fetch(import_by_id(imported))
    if found is None or found.authority != authority or found.undone_by or not found.changed:
        raise CannotUndo(
            "there is no such import, it was undone already, it changed nothing, or it was more than 35 days ago"
        )
    changed = await uow.fetch(changed_since(imported))
    if changed and not leave:
        raise CannotUndo(
            f"rows were changed since: {_told(changed)}. Undo those first, or leave them (--leave-changed)"
        )
    sharing = people_sharing_a_number(authority)
    people, shared = await uow.fetch(people_on_directory(authority), sharing)
    undoing = await begin_import(uow)
    try:
        await uow.fetch(CODES_MAY_SWAP, undo(imported), CODES_ARE_UNIQUE)
    except psycopg.IntegrityError:
        raise CannotUndo(
            "other rows refer to what it brought, an agency's or a later import's: undo the later import first"
        ) from None
    if any(each not in shared for each in await uow.fetch(sharing)):
        raise CannotUndo("two people would have one number: have the authority correct it and import again")
    shorter = await uow.fetch(shortened_periods(undoing))
    if shorter and not by_person:
        raise CannotUndo(
            "a record would be kept for less time: a person has to undo it (services register imports undo)"
        )
    at = now + await ahead_by(uow.connection)
    await publish_date_changes(uow, authority, undoing)
    await publish_directory_changes(uow, authority, people, at=at)
    await keep_import(uow, undoing, authority, ImportSource(by, undoes=imported), at)
    return undoing


def _told(changed: Rows) -> str:
    return "; ".join(
        f"{row.rows} of {row.name} by {row.later or 'a transfer, or a person at the console'}" for row in changed
    )
