"""Reads how one person is reached, when a message is first sent. Only the delivery's encrypted row keeps it."""

from collections.abc import Collection
from dataclasses import dataclass

from services.platform.register.keys import Decryptor
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Rows, scalar
from services.safeguarding.identifiers import PersonId


@dataclass(frozen=True, slots=True)
class Contact:
    """`mobile` is E.164. None is a gap: no such number or address is known."""

    person: PersonId
    mobile: str | None
    email: str | None
    language: str


@dataclass(frozen=True, slots=True)
class SealedContact:
    """Number and address as the register keeps them. Many are read together; only the one who is told is opened."""

    mobile: bytes | None
    email: bytes | None
    wrapped: bytes | None

    def open(self, keyring: Keyring, person: PersonId, language: str) -> Contact:
        decryptor = Decryptor(keyring, person, self.wrapped)
        return Contact(
            person, decryptor.open(self.mobile, "people.mobile"), decryptor.open(self.email, "people.email"), language
        )


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom the duty desk may ring. None is a gap: not known, or erased."""

    name: str | None
    mobile: str | None


PEOPLE = (
    "SELECT person, name, mobile, wrapped FROM register.people_for_duty_desk WHERE person = ANY(%(people)s::text[])"
)
BY_PERSON = "SELECT mobile, email, language, wrapped FROM register.for_contact WHERE person = %(person)s"
LANGUAGE = "SELECT language FROM register.for_contact WHERE person = %(person)s::text"


def contact_by_person(keyring: Keyring, person: PersonId) -> Query[Contact | None]:
    """None where the register knows no such person."""

    def decode(rows: Rows) -> Contact | None:
        if not rows:
            return None
        [row] = rows
        return SealedContact(row.mobile, row.email, row.wrapped).open(keyring, person, row.language)

    return Query(BY_PERSON, {"person": person}, decode)


def language_of_person(person: PersonId | None) -> Query[str | None]:
    """None where the register knows no such person."""
    return Query(LANGUAGE, {"person": person}, scalar)


def people_by_id(keyring: Keyring, people: Collection[PersonId]) -> Query[dict[PersonId, Person]]:
    """For the duty desk. Whom the register does not know is left out."""

    def decode(rows: Rows) -> dict[PersonId, Person]:
        opened = [(row, Decryptor(keyring, row.person, row.wrapped)) for row in rows]
        return {
            row.person: Person(key.open(row.name, "people.name"), key.open(row.mobile, "people.mobile"))
            for row, key in opened
        }

    return Query(PEOPLE, {"people": list(people)}, decode)
