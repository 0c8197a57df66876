"""How one person is reached. Read when a message is first sent, and never kept outside the delivery's encrypted row."""

from dataclasses import dataclass

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.register.keys import Opener
from services.register.views import for_contact
from services.safeguarding.identifiers import PersonId
from services.store.encryption import Keyring


@dataclass(frozen=True, slots=True)
class Contact:
    """`mobile` is E.164. None is a gap: no such number or address is known."""

    person: PersonId
    mobile: str | None
    email: str | None
    language: str


OF_PERSON = select(for_contact).where(for_contact.c.person == bindparam("person"))


async def of(connection: AsyncConnection, keyring: Keyring, person: PersonId) -> Contact | None:
    """None where the register knows no such person."""
    row = (await connection.execute(OF_PERSON, {"person": person})).mappings().first()
    if row is None:
        return None
    opener = Opener(keyring, person, row["wrapped"])
    mobile, email = opener.open(row["mobile"], "people.mobile"), opener.open(row["email"], "people.email")
    return Contact(person, mobile, email, row["language"])
