"""Changes of forces and agencies, in the name of one person: seen, approved, taken back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.casework.organisations import repository as store
from services.casework.policy.organisations import (
    NOT_BY_ONE,
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
        """Those that wait, then the newest: who did what and when. `changes`: a line for each field that differs."""
        found = await store.latest_changes(self.uow, MOST_SHOWN)
        for each in found:
            if each["effective_at"] is None and each["taken_back_at"] is None:
                each["changes"] = await self._describe(each["id"], each["kind"], each["name"])
        return found

    async def _describe(self, change: UUID, kind: str, name: str) -> list[str]:
        if kind == "force":
            return await store.describe(self.uow, self.keyring, change, name, self.now)
        agency = await store.agency_change(self.uow, self.keyring, change)
        return [] if agency is None else agency.lines

    async def approve(
        self, change: UUID, at: datetime | None = None, *, looking: bool = False
    ) -> tuple[list[str], datetime]:
        """What it changes, and from when it holds: `at`, and at the earliest now. `looking`: it is not approved yet.

        Raises CannotChange.
        """
        agency = await store.agency_change(self.uow, self.keyring, change)
        if agency is not None:
            if agency.proposed_by == self.by:
                raise CannotChange(NOT_BY_ONE)
            if not looking:
                await store.approve_agency_change(self.uow, self.keyring, change, agency, self.by, self.now)
            return agency.lines, self.now
        version = await store.version_of(self.uow, change, self.now)
        refused = why_not_approved(version, self.by)
        if version is None or refused is not None:
            raise CannotChange(refused)
        effective = self.now if at is None else max(at, self.now)
        lines = await self._describe(change, "force", version.force)
        if not looking:
            store.approve(self.uow, change, version, self.by, effective, lines)
        return lines, effective

    async def take_back(self, change: UUID, reason: str | None = None) -> bool:
        """False: it was approved, and a second person has to ask the same. Raises CannotChange."""
        agency = await store.agency_change(self.uow, self.keyring, change)
        if agency is not None:
            store.take_agency_change_back(self.uow, change, agency, self.by, self.now, reason)
            return True
        version = await store.version_of(self.uow, change, self.now)
        refused = why_not_taken_back(version)
        if version is None or refused is not None:
            raise CannotChange(refused)
        if waits_for_second(version, self.by):
            store.ask_back(self.uow, change, version, self.by)
            return False
        store.take_back(self.uow, change, version, self.by, self.now, reason)
        return True


async def changes_by_code(uow: UnitOfWork, keyring: Keyring, code: str, now: datetime) -> OrganisationChanges | None:
    """None for a code that is wrong or too old, or whose owner may not change organisations."""
    operator = await uow.fetch(operator_by_code(code, now))
    if operator is None or operator.scope is not None:
        return None
    await store.lock_organisations(uow)
    return OrganisationChanges(uow, keyring, operator.account, now)
