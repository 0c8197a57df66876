"""How one person is reached. Read when a message is first sent, and never kept outside the delivery's encrypted row."""

from dataclasses import dataclass

from sqlalchemy import Text, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.register.keys import Decryptor
from services.platform.register.views import for_contact
from services.platform.store.encryption import Keyring
from services.platform.store.query import as_sql, execute_pipelined
from services.safeguarding.identifiers import PersonId


@dataclass(frozen=True, slots=True)
class Contact:
    """`mobile` is E.164. None is a gap: no such number or address is known."""

    person: PersonId
    mobile: str | None
    email: str | None
    language: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """The same as it lies in the register: read along with whoever may be told, and opened for the one who is."""

    mobile: bytes | None
    email: bytes | None
    wrapped: bytes | None

    def opened(self, keyring: Keyring, person: PersonId, language: str) -> Contact:
        opener = Decryptor(keyring, person, self.wrapped)
        return Contact(
            person, opener.open(self.mobile, "people.mobile"), opener.open(self.email, "people.email"), language
        )


CONTACT = for_contact.c
OF_PERSON = as_sql(
    select(CONTACT.mobile, CONTACT.email, CONTACT.language, CONTACT.wrapped).where(
        CONTACT.person == bindparam("person", type_=Text)
    )
)


async def of(connection: AsyncConnection, keyring: Keyring, person: PersonId) -> Contact | None:
    """None where the register knows no such person."""
    [found] = await execute_pipelined(connection, (OF_PERSON, {"person": person}))
    if not found:
        return None
    [(mobile, email, language, wrapped)] = found
    return Sealed(mobile, email, wrapped).opened(keyring, person, language)
