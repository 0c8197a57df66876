"""Keeps every edition that was taken up: who adopted which rules, and the last good ones after a restart.

`python -m services editions` shows the record of the rules that were taken up.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any

import typer

from services.platform.store.query import Query, Rows, all_rows
from services.platform.store.unit_of_work import UnitOfWork
from services.protocol.editions.choice import Kept
from services.protocol.editions.edition import Adoption, Edition, edition_of
from services.safeguarding.working_time import TimeForm, format_time

SINCE = """
    SELECT whose, number, hash, files, effective_from FROM protocol.editions
    WHERE number >= coalesce(
        (SELECT max(number) FROM protocol.editions AS earlier
         WHERE earlier.whose = editions.whose AND earlier.effective_from <= %(today)s), 1)
    ORDER BY whose, number
"""
ADD = """
    INSERT INTO protocol.editions (whose, number, hash, files, adopted_by, effective_from, taken_up_at)
    VALUES (%(whose)s, %(number)s, %(hash)s, %(files)s, %(adopted_by)s, %(effective_from)s, %(taken_up_at)s)
    ON CONFLICT DO NOTHING RETURNING number
"""
HISTORY = """
    SELECT whose, number, hash, adopted_by, effective_from, taken_up_at FROM protocol.editions
    WHERE %(whose)s::text IS NULL OR whose = %(whose)s ORDER BY taken_up_at, whose, number
"""


def editions_since(today: date) -> Query[Mapping[str, Sequence[Kept]]]:
    """By authority, the edition that is in force today and those that were taken up after it."""

    def decode(rows: Rows) -> Mapping[str, Sequence[Kept]]:
        found: dict[str, list[Kept]] = {}
        for row in rows:
            edition = edition_of(row.whose, row.files)
            found.setdefault(row.whose, []).append(Kept(row.number, row.hash, edition, row.effective_from))
        return found

    return Query(SINCE, {"today": today}, decode)


def history(whose: str | None = None) -> Query[Rows]:
    """The record, oldest first; None for all authorities."""
    return Query(HISTORY, {"whose": whose}, all_rows)


async def add(uow: UnitOfWork, edition: Edition, number: int, adoption: Adoption, at: datetime) -> bool:
    """False where another process has taken up this authority's next edition first. `at` is story time."""
    row = {
        "whose": edition.whose,
        "number": number,
        "hash": edition.hash,
        "files": edition.written,
        "adopted_by": adoption.by,
        "effective_from": adoption.effective_from,
        "taken_up_at": at,
    }
    return bool(await uow.fetch(Query(ADD, row, all_rows)))


def editions(
    authority: Annotated[
        str | None, typer.Option(help="Whose; `default` for the files of everybody. Left out: all.")
    ] = None,
) -> None:
    """Say which rules of an authority's own were taken up when, since when they hold, and who adopted them."""
    for each in asyncio.run(_read(authority)):
        adopted = "nobody is named" if each.adopted_by is None else f"adopted by {each.adopted_by}"
        typer.echo(
            f"{each.whose} {each.number}: taken up {format_time(each.taken_up_at, TimeForm.FULL)}, in force from "
            f"{each.effective_from:%-d %B %Y}, {adopted}, sha256 {each.hash[:12]}"
        )


async def _read(authority: str | None) -> Sequence[Any]:
    from services.platform.runtime.settings import Settings
    from services.platform.store.story_clock import opened

    async with opened(Settings(), "protocol") as store, store.read() as reader:
        return await reader.fetch(history(authority))
