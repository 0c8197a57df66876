"""Enters the forces and agencies of the examples, in the name of two of the example operators."""

import asyncio
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from infra.local.example import authority as example_authority
from infra.local.example import operators as example_operators
from infra.local.settings.secret_files import SecretFiles
from services.casework.settings import CaseworkSettings
from services.options.register_upkeep import organisations
from services.options.register_upkeep.policy.organisations import Organisations
from services.platform.register.operators import operator_by_code
from services.platform.runtime.clocks import Clocks
from services.platform.store.story_clock import opened


def enter(secrets: SecretFiles, ports: Mapping[str, int], given: Mapping[str, Any] | None = None) -> None:
    """Enters the example's, or `given`. What has changed since the last start, such as a port, is in force at once."""
    entered = Organisations.model_validate(given or example_authority.organisations(secrets, ports))
    signing_key = SecretStr(secrets.signing_key("casework"))
    codes = example_operators.codes(secrets, ports, "operator", "manager")
    asyncio.run(_enter(example_authority.settings_of_casework(secrets, ports), signing_key, entered, codes))


async def _enter(settings: CaseworkSettings, signing_key: SecretStr, given: Organisations, codes: list[str]) -> None:
    async with opened(settings, "casework", signing_key=signing_key) as store, store.transaction() as uow:
        now = Clocks().wall()
        acting = await uow.fetch_each([operator_by_code(each, now) for each in codes])
        operator, manager = acting or (None, None)
        if operator is None or manager is None:
            return
        proposed = await organisations.put_organisations(uow, settings.keyring, given, operator.account, now)
        for version in proposed.values():
            found = await organisations.change_by_id(uow, version, now)
            if found is not None:
                await organisations.approve(uow, found, manager.account, now)
