"""Keeps changes of the rota for a time. Who holds a role (`directory.py`) honours them from the next message on."""

from datetime import datetime
from uuid import UUID

from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId, PersonId

ADD = """
    INSERT INTO register.rota_changes (id, authority, person, role, in_place_of, away, from_at, to_at, made_by)
    VALUES (%(id)s, %(authority)s, %(person)s, %(role)s, %(in_place_of)s, %(away)s, %(from_at)s, %(to_at)s, %(made_by)s)
"""
END = "UPDATE register.rota_changes SET to_at = greatest(from_at, %(at)s) WHERE id = %(id)s AND to_at > %(at)s"


def add(
    uow: UnitOfWork,
    *,
    id_: UUID,
    authority: AuthorityId,
    person: PersonId,
    role: str | None,
    in_place_of: PersonId | None,
    away: bool,
    from_at: datetime,
    to_at: datetime,
    made_by: str,
) -> None:
    """Times are story time. `made_by` is the account."""
    row = {"id": id_, "authority": authority, "person": person, "role": role, "in_place_of": in_place_of}
    uow.write(ADD, row | {"away": away, "from_at": from_at, "to_at": to_at, "made_by": made_by})


def end(uow: UnitOfWork, change: UUID, at: datetime) -> None:
    uow.write(END, {"id": change, "at": at})
