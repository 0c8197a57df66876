"""Makes the sandbox's console accounts, one for each role. Each clone has its own passwords, printed at each start."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import SecretStr

from infra.local.settings.environment import database
from infra.local.settings.secret_files import SecretFiles
from services.console import accounts
from services.console.accounts import begin_session
from services.options.own_accounts import proofs
from services.options.own_accounts import store as own_accounts
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.settings import Settings
from services.platform.store.story_clock import opened
from services.safeguarding.operators import OperatorRole


@dataclass(frozen=True)
class ExampleOperator:
    sign_in: str
    name: str
    role: OperatorRole
    password: str
    what: str
    authority: str = "all"


def every(secrets: SecretFiles) -> tuple[ExampleOperator, ...]:
    """The duty manager first."""

    def one(sign_in: str, name: str, role: OperatorRole, what: str, authority: str = "all") -> ExampleOperator:
        password = secrets.value(f"console-{sign_in}", proofs.generate_password)
        return ExampleOperator(sign_in, name, role, password, what, authority)

    return (
        one("manager", "Morgan Ellis", OperatorRole.DUTY_MANAGER, "duty manager: sees all, acts for others"),
        one("social-worker", "Sam Okoro", OperatorRole.SOCIAL_WORKER, "social worker of kestrel alone", "kestrel"),
        one("operator", "Robin Hale", OperatorRole.OPERATOR, "operator: sends again, redrives, exercises"),
        one("administrator", "Alex Reed", OperatorRole.ADMINISTRATOR, "administrator: makes and ends accounts"),
        one("auditor", "Ash Mistry", OperatorRole.AUDITOR, "auditor: reads only"),
    )


def make(secrets: SecretFiles, ports: Mapping[str, int]) -> None:
    """Makes the accounts. Those that are there already stay as they are."""
    asyncio.run(_make(_settings(secrets, ports), every(secrets)))


def codes(secrets: SecretFiles, ports: Mapping[str, int], *sign_ins: str) -> list[str]:
    """A code for a command for each, as the console would show it; an empty list where one of them has no account."""
    return asyncio.run(_codes(_settings(secrets, ports), sign_ins))


def _settings(secrets: SecretFiles, ports: Mapping[str, int]) -> Settings:
    return Settings(
        database=database(ports),
        database_password=SecretStr(secrets.database_password("console")),
        http_port=ports["console"],
    )


async def _codes(settings: Settings, sign_ins: Sequence[str]) -> list[str]:
    async with opened(settings, "console") as store, store.transaction() as uow:
        found = await uow.fetch_each([accounts.account_by_sign_in(each) for each in sign_ins])
        now = Clocks().wall()
        known = [each.operator.account for each in found if each is not None]
        complete = known if len(known) == len(sign_ins) else []
        return [begin_session(uow, each, now, for_command=True) for each in complete]


async def _make(settings: Settings, operators: tuple[ExampleOperator, ...]) -> None:
    async with opened(settings, "console") as store:
        for each in operators:
            async with store.transaction() as uow:
                if await uow.fetch(accounts.account_by_sign_in(each.sign_in)) is None:
                    await own_accounts.add_account(
                        uow,
                        sign_in=each.sign_in,
                        name=each.name,
                        role=each.role,
                        authorities=[each.authority],
                        password_seal=proofs.hash_password(each.password),
                        now=Clocks().wall(),
                    )
