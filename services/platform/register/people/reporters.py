"""Says who reported, as far as police are told: in which role, and how to ring them."""

from dataclasses import dataclass
from uuid import UUID

from services.platform.register.keys import Decryptor
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Rows


@dataclass(frozen=True, slots=True)
class Reporter:
    """`role` is `carer`, `agency` or a line of the directory. An agency's name is its id."""

    role: str | None
    name: str | None
    telephone: str | None = None


FIRST_REPORTER = """
    SELECT reporter, role, name, mobile, wrapped FROM register.reporters_for_police WHERE reporter = (
        SELECT said_by FROM register.words_told_to_police
        WHERE delivery = %(delivery)s AND said_by IS NOT NULL AND wrapped IS NOT NULL ORDER BY at, id LIMIT 1
    )
"""


def first_reporter(keyring: Keyring, delivery: UUID) -> Query[Reporter | None]:
    """Who said the first of the words that a notice to police names, of those whose key was not erased. None: the
    register does not know them.
    """

    def decode(rows: Rows) -> Reporter | None:
        if not rows:
            return None
        reporter, role, name, mobile, wrapped = rows[0]
        if role == "agency":
            return Reporter(role, reporter)
        decryptor = Decryptor(keyring, reporter, wrapped)
        return Reporter(role, decryptor.open(name, "people.name"), decryptor.open(mobile, "people.mobile"))

    return Query(FIRST_REPORTER, {"delivery": delivery}, decode)
