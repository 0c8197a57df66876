"""Shows operators the register's state: which credentials, agreements and certificates end, and how old each import is.

So no missing child is the first to show a missing export. Forgets the rows that imports replaced long ago.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from cryptography.x509 import load_pem_x509_certificates

from services.casework import metrics
from services.options.register_upkeep.history import ages, forget_old_rows
from services.platform.register.keys import Decryptor
from services.platform.register.organisations import force_owner
from services.platform.runtime.clocks import Clocks
from services.platform.store.disposal import MAY_SWEEP
from services.platform.store.encryption import DOES_NOT_OPEN, Keyring
from services.platform.store.query import PLAN_BY_VALUES, Query, Reader, Rows, all_rows
from services.platform.store.unit_of_work import Store
from services.safeguarding.identifiers import is_for_exercises

CERTIFICATE = "force_versions.client_certificate"
STILL_FOUND = timedelta(days=7)
"""After it has ended. If it were not, its alert would stop on that day, as if somebody had acted."""
BY_DAY = """
    SELECT 'import-credential' AS what, authority || ' ' || id AS whose, expires_at AS at FROM credentials
    WHERE withdrawn_at IS NULL AND expires_at > %(since)s AND expires_at - made_at > interval '1 day'
    UNION ALL
    SELECT 'sharing-agreement', authority || ' with ' || force, (max(until_on) + 1)::timestamptz
    FROM register.sharing_for_police GROUP BY authority, force
    HAVING bool_and(until_on IS NOT NULL) AND max(until_on) >= %(since)s::date
"""
"""A credential of some minutes is for one form of the console."""
FORCES = """
    SELECT DISTINCT ON (force) * FROM register.forces_for_police WHERE effective_at <= %(now)s
    ORDER BY force, effective_at DESC
"""


class End(NamedTuple):
    """`whose`: ids, for operators alone. `at` None: what ends cannot be read."""

    what: str
    whose: str
    at: datetime | None


async def find_ends(reader: Reader, keyring: Keyring, now: datetime) -> list[End]:
    """The soonest first; what cannot be read stands among them as if it ended now. `now` is wall time."""
    asked = {"now": now, "since": now - STILL_FOUND}
    by_day, of_forces = await reader.fetch(
        Query(BY_DAY, asked, all_rows), Query(FORCES, asked, lambda rows: list(certificate_ends(keyring, rows)))
    )
    return sorted([*(End(*row) for row in by_day), *of_forces], key=lambda end: end.at or now)


def certificate_ends(keyring: Keyring, rows: Rows) -> Iterator[End]:
    """A certificate that cannot be read hides no other."""
    for row in rows:
        if row.client_certificate is None:
            continue
        ends: list[datetime | None] = [None]
        with suppress(*DOES_NOT_OPEN, ValueError):
            pem = Decryptor(keyring, force_owner(row.force), row.wrapped).open(row.client_certificate, CERTIFICATE)
            ends = [each.not_valid_after_utc for each in load_pem_x509_certificates((pem or "").encode())]
        yield from (End("force-certificate", row.force, at) for at in ends)


async def show_ends(store: Store, keyring: Keyring, clocks: Clocks) -> None:
    """The soonest of each kind. Each replica shows the same."""
    now = clocks.wall()
    async with store.read() as reader:
        found = await find_ends(reader, keyring, now)
    metrics.ENDS_AT.clear()
    for each in reversed(found):
        metrics.ENDS_AT.labels(each.what).set((each.at or now).timestamp())


async def show_ages(store: Store, clocks: Clocks) -> None:
    """Each replica shows the same. An authority for exercises is passed over: nobody keeps its register fresh. One that
    has left is shown no longer: its last age would be an alarm until the process ends.
    """
    async with store.transaction() as uow:
        _, found = await uow.fetch(PLAN_BY_VALUES, ages(clocks.story()))
    metrics.REGISTER_AGE.clear()
    for (authority, table), seconds in found.items():
        if not is_for_exercises(authority):
            metrics.REGISTER_AGE.labels(authority, table).set(seconds)


async def forget_replaced(store: Store, clocks: Clocks) -> bool:
    """Call it rarely: it reads about every import ever made. True while there are more rows to forget."""
    async with store.transaction() as uow:
        return bool(await uow.fetch(MAY_SWEEP)) and await uow.fetch(forget_old_rows(clocks.story()))
