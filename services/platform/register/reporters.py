"""Who reported, as far as police are told: in which role, and how to ring them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Uuid, bindparam, literal_column, select

from services.platform.register.keys import Decryptor
from services.platform.register.views import reporters_for_police, words_told_to_police
from services.platform.store.encryption import Keyring
from services.platform.store.query import Statement, as_sql


@dataclass(frozen=True, slots=True)
class Reporter:
    """`role` is `carer`, `agency` or a line of the directory. An agency's name is its id: what its people are called, it says itself."""

    role: str | None
    name: str | None
    telephone: str | None = None


def _of() -> Select[Any]:
    """Whoever spoke first, of words whose key was not erased."""
    said, known = words_told_to_police.c, reporters_for_police.c
    first = (
        select(said.said_by)
        .where(said.delivery == bindparam("delivery", type_=Uuid), said.said_by.is_not(None), said.wrapped.is_not(None))
        .order_by(said.at, said.id)
        .limit(literal_column("1"))
    )
    asked = select(known.reporter, known.role, known.name, known.mobile, known.wrapped)
    return asked.where(known.reporter == first.scalar_subquery())


OF = as_sql(_of())


def asked(delivery: UUID) -> Statement:
    """Who spoke the first of the words that one telling to police names."""
    return OF, {"delivery": delivery}


def opened(keyring: Keyring, rows: Sequence[tuple[Any, ...]]) -> Reporter | None:
    """Of the rows that `asked` gave. None where the register knows nobody of that id."""
    if not rows:
        return None
    reporter, role, name, mobile, wrapped = rows[0]
    if role == "agency":
        return Reporter(role, reporter)
    opener = Decryptor(keyring, reporter, wrapped)
    return Reporter(role, opener.open(name, "people.name"), opener.open(mobile, "people.mobile"))
