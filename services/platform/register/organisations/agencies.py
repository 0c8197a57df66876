"""Finds the agency behind an event's source: its secrets, its sources, and the kinds of event that it may send."""

import json
from dataclasses import dataclass

from services.platform.register.keys import Decryptor
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Rows, fields_in
from services.safeguarding.identifiers import AuthorityId


def owner_of(agency: str) -> str:
    """The owner of the key that the agency's secrets are encrypted under."""
    return f"agency-{agency}"


@dataclass(frozen=True, slots=True)
class Agency:
    """As one authority's agreement has it: the source that an event came from speaks for that authority alone.
    `verifies`: its word that a child is back, or was never missing, stands the missing escalations down.
    """

    id: str
    authority: AuthorityId
    secrets: tuple[str, ...]
    sources: tuple[str, ...]
    types: tuple[str, ...]
    verifies: bool
    live: bool
    """Whether real events about the authority's children are taken."""


AGENCY = """
    SELECT agency, authority, secrets, types, verifies, wrapped, sources, live FROM register.agencies_for_events
    WHERE %(source)s = ANY(sources)
"""


def agency_by_source(keyring: Keyring, source: str) -> Query[Agency | None]:
    """The one agency that may send events under this CloudEvents `source`."""

    def decode(rows: Rows) -> Agency | None:
        if not rows:
            return None
        [row] = rows
        secrets = Decryptor(keyring, owner_of(row.agency), row.wrapped).open(row.secrets, "agencies.secrets")
        several = {"secrets": json.loads(secrets or "[]"), "sources": row.sources or (), "types": row.types}
        opened = {name: tuple(each) for name, each in several.items()} | {"id": row.agency}
        return Agency(**fields_in(row, Agency) | opened)

    return Query(AGENCY, {"source": source}, decode)
