"""Changes of forces and agencies, in the name of one person: seen, approved, taken back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.casework.organisations import repository as store
from services.casework.policy.organisations import (
    SHOWN_OTHERWISE,
    fingerprint_of,
    waits_for_second,
    why_not_approved,
    why_not_taken_back,
)
from services.platform.register.people.operators import operator_by_code
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.operators import AccountId

MOST_SHOWN = 60


class CannotChange(Exception):
    """Says why not, to whoever asked."""


@dataclass(frozen=True, slots=True)
class OrganisationChanges:
    """`now` is wall time. The organisations are locked until the transaction's end."""

    uow: UnitOfWork
    keyring: Keyring
    by: AccountId
    now: datetime

    async def latest(self) -> list[dict[str, Any]]:
        """Those that wait, then the newest: who did what and when. `changes`: a line for each field that differs, and
        of one that waits `shown`, which an approval says again.
        """
        found = await store.latest_changes(self.uow, MOST_SHOWN)
        for each in found:
            if each["effective_at"] is None and each["taken_back_at"] is None:
                about = each["id"], each["kind"], each["name"]
                each["changes"] = await store.describe(self.uow, self.keyring, *about)
                each["shown"] = fingerprint_of(each["changes"])
        return found

    async def approve(
        self, change: UUID, at: datetime | None = None, *, shown: str | None
    ) -> tuple[list[str], datetime]:
        """What it changes, and from when it holds: an agency's now, a force's `at`, and at the earliest now. `shown`:
        the fingerprint of what `by` was shown; None: it is not approved yet. Raises CannotChange, also where another
        change has been approved since then: this one would take it back.
        """
        found = await store.change_by_id(self.uow, change, self.now)
        effective = self.now if at is None or (found and found.kind == "agency") else max(at, self.now)
        refused = why_not_approved(found, self.by, effective)
        if found is None or refused is not None:
            raise CannotChange(refused)
        lines = await store.describe(self.uow, self.keyring, change, found.kind, found.name)
        if shown is not None:
            if shown != fingerprint_of(lines):
                raise CannotChange(SHOWN_OTHERWISE)
            await store.approve(self.uow, found, self.by, effective, lines)
        return lines, effective

    async def take_back(self, change: UUID, reason: str | None = None) -> bool:
        """False: it was approved, and a second person has to ask the same. Raises CannotChange."""
        found = await store.change_by_id(self.uow, change, self.now)
        refused = why_not_taken_back(found)
        if found is None or refused is not None:
            raise CannotChange(refused)
        if waits_for_second(found, self.by):
            store.ask_back(self.uow, found, self.by)
            return False
        store.take_back(self.uow, found, self.by, self.now, reason)
        return True


async def changes_by_code(uow: UnitOfWork, keyring: Keyring, code: str, now: datetime) -> OrganisationChanges | None:
    """None for a code that is wrong or too old, or whose owner may not change organisations."""
    operator = await uow.fetch(operator_by_code(code, now))
    if operator is None or operator.scope is not None:
        return None
    await store.lock_organisations(uow)
    return OrganisationChanges(uow, keyring, operator.account, now)
