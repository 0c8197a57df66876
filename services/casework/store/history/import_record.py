"""Records what each import changed, row by row (by triggers in the database), and puts it back."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from services.casework.policy.import_brake import Loss
from services.platform.store.query import Query, Rows, all_rows
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.duty.evidence import RegisterImported, TableChanged
from services.safeguarding.identifiers import AuthorityId

UNDONE_WITHIN = timedelta(days=35)
"""The former rows are personal: they are kept as long as a backup."""
BEGIN = "SELECT set_config('safe_return.import', %(import)s, true)"
CHANGED = """
    SELECT CASE table_name WHEN 'placement_carers' THEN 'carers' WHEN 'authorities' THEN 'authority' ELSE table_name END AS name, count(*) AS changed
    FROM import_changes WHERE import = %(import)s GROUP BY table_name ORDER BY name
"""
LOSSES = """
    WITH changes AS (SELECT * FROM import_changes WHERE import = %(import)s),
    cares AS (
        SELECT c.person FROM register.placement_carers c JOIN register.placements p ON p.id = c.placement
        WHERE p.authority = %(authority)s AND c.to_at IS NULL
    ),
    lines AS (SELECT role, person, child FROM register.directory WHERE authority = %(authority)s),
    reached AS (SELECT person FROM cares UNION SELECT person FROM lines)
    SELECT 'carers' AS what, count(*) FILTER (WHERE before IS NOT NULL) AS lost,
        (SELECT count(*) FROM cares) + count(*) FILTER (WHERE before IS NOT NULL) - count(*) FILTER (WHERE before IS NULL) AS of
    FROM changes WHERE table_name = 'placement_carers'
    UNION ALL
    SELECT 'directory', count(*) FILTER (WHERE after_hash IS NULL AND NOT EXISTS (
            SELECT FROM lines WHERE role = before ->> 'role' AND person = before ->> 'person'
            AND child IS NOT DISTINCT FROM before ->> 'child')),
        (SELECT count(*) FROM lines) + count(*) FILTER (WHERE after_hash IS NULL) - count(*) FILTER (WHERE before IS NULL)
    FROM changes WHERE table_name = 'directory'
    UNION ALL
    SELECT 'numbers', count(*), (SELECT count(*) FROM reached)
    FROM changes JOIN reached ON reached.person = key ->> 'id'
    WHERE table_name = 'people' AND before ->> 'mobile' IS NOT NULL AND 'mobile' = ANY(fields)
"""
KEEP = """
    INSERT INTO imports (id, authority, actor, at, tables, sha256, undoes)
    VALUES (%(import)s, %(authority)s, %(actor)s, %(at)s, %(tables)s, %(sha256)s, %(undoes)s)
"""
FRESH = """
    INSERT INTO freshness (authority, table_name, at) SELECT %(authority)s, each, %(at)s FROM unnest(%(tables)s::text[]) AS each
    ON CONFLICT (authority, table_name) DO UPDATE SET at = excluded.at
"""
FORGET = """
    DELETE FROM import_changes USING imports i WHERE i.id = import AND i.authority = %(authority)s AND i.at < %(before)s
"""
LAST = """
    SELECT i.id, i.actor, i.at, i.tables, i.sha256, i.undoes,
        (SELECT u.id FROM imports u WHERE u.undoes = i.id) AS undone_by,
        (SELECT count(*) FROM import_changes c WHERE c.import = i.id) AS changed
    FROM imports i WHERE i.authority = %(authority)s ORDER BY i.at DESC, i.id LIMIT %(most)s
"""
OF_IMPORT = """
    SELECT authority, at, EXISTS (SELECT FROM imports u WHERE u.undoes = i.id) AS is_undone
    FROM imports i WHERE i.id = %(import)s
"""
CHANGED_SINCE = """
    SELECT table_name AS name, later, count(*) AS rows FROM changed_since(%(import)s) GROUP BY table_name, later
"""
AGES = "SELECT authority, table_name AS name, at FROM freshness"


@dataclass(frozen=True, slots=True)
class ImportSource:
    """`actor` is the credential, or the account of who undid an import (`undoes`). `sha256`: of the file."""

    actor: str
    tables: Collection[str] = ()
    sha256: str | None = None
    undoes: UUID | None = None


async def begin_import(uow: UnitOfWork) -> UUID:
    """From here on the transaction's changes of the register are recorded under this id."""
    imported = uuid4()
    await uow.fetch(Query(BEGIN, {"import": str(imported)}, all_rows))
    return imported


def losses_of(imported: UUID, authority: AuthorityId) -> Query[dict[str, Loss]]:
    """What it has ended so far: carers, lines of the directory, numbers of those whom we reach."""
    asked = {"import": imported, "authority": authority}
    return Query(LOSSES, asked, lambda rows: {row.what: Loss(row.lost, row.of) for row in rows})


async def keep_import(
    uow: UnitOfWork, imported: UUID, authority: AuthorityId, source: ImportSource, at: datetime
) -> Mapping[str, int]:
    """Keeps it, publishes it, and returns how many rows of each table it changed. `at` is story time."""
    changed = await uow.fetch(Query(CHANGED, {"import": imported}, _by_name))
    row = {"import": imported, "authority": authority, "actor": source.actor, "at": at, "tables": sorted(source.tables)}
    uow.write(KEEP, row | {"sha256": source.sha256, "undoes": source.undoes})
    uow.write(FRESH, row)
    uow.write(FORGET, {"authority": authority, "before": at - UNDONE_WITHIN})
    event = RegisterImported(
        authority=authority,
        record=imported,
        actor=source.actor,
        tables=tuple(
            TableChanged(table=name, rows=changed.get(name, 0)) for name in sorted({*source.tables, *changed})
        ),
        sha256=source.sha256,
        undoes=source.undoes,
    )
    uow.publish(event, subject=f"register-{authority}", at=at)
    return changed


def last_imports(authority: AuthorityId, most: int) -> Query[Rows]:
    return Query(LAST, {"authority": authority, "most": most}, all_rows)


def import_by_id(imported: UUID) -> Query[Rows]:
    """Its authority, when it was, and whether it is undone; no row: there is none."""
    return Query(OF_IMPORT, {"import": imported}, all_rows)


def changed_since(imported: UUID) -> Query[Rows]:
    """How many rows of each table are no longer as the import left them, by the later import that changed them. None: a
    person or a transfer did.
    """
    return Query(CHANGED_SINCE, {"import": imported}, all_rows)


def undo(imported: UUID) -> Query[Rows]:
    """Puts back each row that is as the import left it."""
    return Query("SELECT undo_import(%(import)s)", {"import": imported}, all_rows)


def ages(now: datetime) -> Query[dict[tuple[AuthorityId, str], float]]:
    """Seconds since each authority last imported each table, story time."""
    return Query(AGES, {}, lambda rows: {(row.authority, row.name): (now - row.at).total_seconds() for row in rows})


def _by_name(rows: Rows) -> dict[str, int]:
    return {row.name: row.changed for row in rows}
