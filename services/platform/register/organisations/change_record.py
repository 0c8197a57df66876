"""Puts each step in changing a force, an agency or an authority on the record, in the name of who took it."""

from typing import Any

from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId
from services.safeguarding.operators import AccountId, OrganisationChanged


def record_change(uow: UnitOfWork, organisation: str, step: str, by: AccountId, **more: Any) -> None:
    """`organisation`: the owner of its key. `more`: further fields of `OrganisationChanged`."""
    uow.publish(OrganisationChanged.model_validate({"step": step, "account": by} | more), subject=organisation)


def record_change_of_authority(
    uow: UnitOfWork, authority: AuthorityId, step: str, by: AccountId, *credential: str
) -> None:
    record_change(uow, f"authority-{authority}", step, by, fields=credential)
