"""Keeps those apart who change one authority's part of the register: imports, transfers, corrections by hand."""

from services.platform.store.query import Query, all_rows
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId

LOCK = """
    SELECT pg_advisory_xact_lock(hashtextextended('register ' || each, 0)) FROM unnest(%(names)s::text[]) AS each
"""


async def lock_register(uow: UnitOfWork, *authorities: AuthorityId) -> None:
    """Keeps others from changing these authorities' register until the end of the transaction."""
    await uow.fetch(Query(LOCK, {"names": sorted(set(authorities))}, all_rows))
