"""An agency that may send events: its secrets, and which kinds from which sources it may say."""

import json
from dataclasses import dataclass

from sqlalchemy import any_, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.register.keys import Decryptor
from services.platform.register.views import agencies_for_events
from services.platform.store.encryption import Keyring
from services.safeguarding.identifiers import AuthorityId


def owner_of(agency: str) -> str:
    """The owner of the key under which the agency's secrets lie."""
    return f"agency-{agency}"


@dataclass(frozen=True, slots=True)
class Agency:
    """`verifies`: its word that a child is back, or was never missing, stands the missing escalations down."""

    id: str
    authority: AuthorityId
    secrets: tuple[str, ...]
    sources: tuple[str, ...]
    types: tuple[str, ...]
    verifies: bool


async def of_source(connection: AsyncConnection, keyring: Keyring, source: str) -> Agency | None:
    """The one agency that may speak as this CloudEvents `source`."""
    chosen = select(agencies_for_events).where(literal(source) == any_(agencies_for_events.c.sources))
    row = (await connection.execute(chosen)).mappings().first()
    if row is None:
        return None
    secrets = Decryptor(keyring, owner_of(row["agency"]), row["wrapped"]).open(row["secrets"], "agencies.secrets")
    return Agency(
        id=row["agency"],
        authority=row["authority"],
        secrets=tuple(json.loads(secrets or "[]")),
        sources=tuple(row["sources"] or ()),
        types=tuple(row["types"]),
        verifies=row["verifies"],
    )
