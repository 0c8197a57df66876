"""Makes the first account, and opens one again: `python -m services accounts ...`. Administrators do the rest at the
console. Needs the console's settings and secrets.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

from services.platform.runtime.commands import refuse
from services.safeguarding.operators import Access, OperatorRole

if TYPE_CHECKING:
    from datetime import datetime

    from services.console.policy.access import Operator
    from services.platform.store.unit_of_work import UnitOfWork

Name = Annotated[str, typer.Argument(help="What they type to sign in, such as their work e-mail address.")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]

accounts = typer.Typer(no_args_is_help=True, help="Make the console's first account; open a lost one again.")


@accounts.command()
def add(
    name: Name,
    role: Annotated[OperatorRole, typer.Option(help="What they may do.")],
    full_name: Annotated[str, typer.Option(help="Shown beside each of their acts.")],
    authority: Annotated[
        list[str], typer.Option(help="Whose children they see: give it several times for several, or all.")
    ],
    *,
    password_stdin: FromStdin = False,
) -> None:
    """Make a local account. Without --password-stdin a password is made, and printed once."""
    from services.console.accounts import normalise_sign_in
    from services.console.policy.access import ALL
    from services.options.own_accounts import store as kept

    password, seal = _password(from_stdin=password_stdin)
    if not kept.is_local_name(name):
        raise refuse("a name has no slash, and 120 characters at most")

    async def make(uow: "UnitOfWork", now: "datetime") -> "Operator | None":
        known = [*await uow.fetch(kept.authorities()), ALL]
        if strange := sorted(set(authority) - set(known)):
            among = f"it has {', '.join(known[:-1])}" if known[:-1] else "it is empty: load it first"
            raise refuse(f"{', '.join(strange)} is no authority of the register; {among}")
        return await kept.add_account(
            uow, sign_in=name, name=full_name, role=role, authorities=authority, password_seal=seal, now=now
        )

    if not _do(make, Access.ACCOUNT_MADE):
        raise refuse(f"{normalise_sign_in(name)} has an account already; `reset` gives it a new password")
    _tell(name, None if password_stdin else password)


@accounts.command()
def reset(name: Name, *, password_stdin: FromStdin = False) -> None:
    """Open a local account again with a new password and no second factor, and end its sessions."""
    from services.options.own_accounts import store as kept

    password, seal = _password(from_stdin=password_stdin)
    if not kept.is_local_name(name) or not _do(
        lambda uow, _now: kept.reset_account(uow, name, seal), Access.ACCOUNT_RESET
    ):
        raise refuse(f"nobody signs in as {name} with a password")
    _tell(name, None if password_stdin else password)


def _password(*, from_stdin: bool) -> tuple[str, str]:
    """The password and its hash."""
    from services.options.own_accounts.proofs import PASSWORD_LENGTH, generate_password, hash_password

    password = sys.stdin.readline().rstrip("\r\n") if from_stdin else generate_password()
    if len(password) not in PASSWORD_LENGTH:
        raise refuse(f"a password has {PASSWORD_LENGTH[0]} to {PASSWORD_LENGTH[-1]} characters")
    return password, hash_password(password)


def _tell(name: str, password: str | None) -> None:
    typer.echo(f"{name} can sign in")
    if password is not None:
        typer.echo(f"password: {password}")


def _do(act: "Callable[[UnitOfWork, datetime], Awaitable[Operator | None]]", what: Access) -> bool:
    """Records the change; whoever gives the command is known to the server alone."""
    from services.console.accounts import record_access
    from services.platform.runtime.clocks import Clocks
    from services.platform.runtime.settings import Settings
    from services.platform.store.story_clock import opened

    async def within() -> bool:
        clocks = Clocks()
        async with opened(Settings(), "console", clocks) as store, store.transaction() as uow:
            changed = await act(uow, clocks.wall())
            if changed is not None:
                record_access(uow, what, changed)
            return changed is not None

    return asyncio.run(within())
