"""Reads absences for what an authority owes, and the rows of its statutory return."""

from datetime import datetime
from typing import Any

from services.options.returns.counts import Absence, Period
from services.platform.register.keys import Decryptor
from services.platform.register.police_notice import birth_date_of
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Rows
from services.safeguarding.identifiers import Scope

IN_PERIOD = """
    started_at < %(end)s AND (ended_at IS NULL OR ended_at >= %(start)s)
    AND (%(authorities)s::text[] IS NULL OR a.authority = ANY(%(authorities)s::text[]))
"""
ABSENCES = f"""
    SELECT episode, a.reference, a.child, a.authority, missing, started_at, ended_at, checked_at, offered_at, held_at,
           declined_at, told, c.code, h.reference AS home
    FROM absences a LEFT JOIN register.for_console c ON c.child = a.child AND c.authority = a.authority
    LEFT JOIN register.homes_for_console h ON h.placement = a.placement AND h.authority = a.authority
    WHERE {IN_PERIOD} ORDER BY started_at
"""  # noqa: S608 this module's own words
MISSING_TABLE = f"""
    SELECT a.child, c.authority, c.date_of_birth, c.wrapped, c.reference AS "CHILD", missing AS "MISSING",
           to_char(started_at AT TIME ZONE 'Europe/London', 'DD/MM/YYYY') AS "MIS_START",
           CASE WHEN ended_at < %(end)s THEN to_char(ended_at AT TIME ZONE 'Europe/London', 'DD/MM/YYYY') END AS "MIS_END"
    FROM absences a JOIN register.children_for_return c ON c.child = a.child AND c.authority = a.authority
    WHERE {IN_PERIOD} ORDER BY c.authority, c.reference, started_at
"""  # noqa: S608 as above
"""The columns of the table Missing of the return on looked-after children (SSDA903)."""


def absences_in(period: Period, authorities: Scope) -> Query[list[Absence]]:
    """Those that began in it, or went on."""

    def decode(rows: Rows) -> list[Absence]:
        told = ({role: datetime.fromisoformat(at) for role, at in (row.told or {}).items()} for row in rows)
        return [Absence(**row._asdict() | {"told": each}) for row, each in zip(rows, told, strict=True)]

    return Query(ABSENCES, _named(period, authorities), decode)


def missing_table(keyring: Keyring, period: Period, authorities: Scope) -> Query[list[tuple[Any, ...]]]:
    """With each row's child and authority in front. Call it only where a reason is on record."""

    def decode(rows: Rows) -> list[tuple[Any, ...]]:
        births = (birth_date_of(Decryptor(keyring, row.child, row.wrapped), row) for row in rows)
        return [
            (row.child, row.authority, row.CHILD, None if born is None else f"{born:%d/%m/%Y}", *row[5:])
            for row, born in zip(rows, births, strict=True)
        ]

    return Query(MISSING_TABLE, _named(period, authorities), decode)


def _named(period: Period, authorities: Scope) -> dict[str, Any]:
    return {"start": period.start, "end": period.end, "authorities": authorities}
