"""Undoes an import, as an import of its own that can be undone too."""

from datetime import datetime
from uuid import UUID

import psycopg

from services.casework.store.history.import_record import (
    ImportSource,
    begin_import,
    changed_since,
    import_by_id,
    keep_import,
    shortened_periods,
    undo,
)
from services.casework.store.import_writer import CODES_ARE_UNIQUE, CODES_MAY_SWAP, people_sharing_a_number
from services.casework.store.register_changes import (
    people_on_directory,
    publish_date_changes,
    publish_directory_changes,
)
from services.platform.register.lock import lock_register
from services.platform.register.people.operators import operator_by_code
from services.platform.store.query import Rows
from services.platform.store.story_time.story_clock import ahead_by
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId


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
