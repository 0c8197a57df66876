"""Manages the console's accounts: `python -m services accounts ...`. Needs the console's settings and secrets."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from services.platform.runtime.commands import refuse
from services.safeguarding.operators import OperatorRole

if TYPE_CHECKING:
    from services.platform.store.unit_of_work import UnitOfWork

T = TypeVar("T")
Name = Annotated[str, typer.Argument(help="What they type to sign in, such as their work e-mail address.")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]

accounts = typer.Typer(no_args_is_help=True, help="Who may sign in at the console, and as what.")


@accounts.command()
def add(
    name: Name,
    role: Annotated[OperatorRole, typer.Option(help="What they may do.")],
    full_name: Annotated[str, typer.Option(help="Shown beside each of their acts.")],
    authority: Annotated[str | None, typer.Option(help="Whose children they see; left out: every authority's.")] = None,
    *,
    password_stdin: FromStdin = False,
) -> None:
    """Make an account. Without --password-stdin a password is made and printed, this once."""
    from services.console.accounts import repository as kept

    password, seal = _password(from_stdin=password_stdin)

    async def make(uow: "UnitOfWork", now: datetime) -> str | None:
        if authority is not None:
            known = await uow.fetch(kept.authorities())
            if authority not in known:
                among = f"; it has {', '.join(known)}" if known else ", which is empty: load it first"
                raise refuse(f"{authority} is no authority of the register{among}")
        return await kept.add_account(
            uow, sign_in=name, name=full_name, role=role, authority=authority, password_seal=seal, now=now
        )

    if _do(make) is None:
        raise refuse(f"{kept.normalise_sign_in(name)} has an account already; `reset` gives it a new password")
    _tell(name, None if password_stdin else password)


@accounts.command()
def reset(name: Name, *, password_stdin: FromStdin = False) -> None:
    """Give an account a new password, enable it if it was disabled, and end its sessions."""
    from services.console.accounts import repository as kept

    password, seal = _password(from_stdin=password_stdin)
    if not _do(lambda uow, _now: kept.change_account(uow, name, password_seal=seal)):
        raise refuse(f"nobody signs in as {name}")
    _tell(name, None if password_stdin else password)


@accounts.command()
def disable(name: Name) -> None:
    """Close an account, and end its sessions at once. What it did stays on the record under its name."""
    from services.console.accounts import repository as kept

    if not _do(lambda uow, now: kept.change_account(uow, name, disabled_at=now)):
        raise refuse(f"nobody signs in as {name}")
    typer.echo(f"{name} can no longer sign in")


@accounts.command("list")
def list_accounts() -> None:
    """Every account, one a line: name, role, authority, full name."""
    from services.console.accounts import repository as kept

    for each in _do(lambda uow, _now: uow.fetch(kept.all_accounts())):
        who = each.operator
        state = "" if each.disabled_at is None else f"  disabled {each.disabled_at:%Y-%m-%d}"
        typer.echo(f"{each.sign_in}  {who.role}  {who.authority or 'every authority'}  {who.name}{state}")


def _password(*, from_stdin: bool) -> tuple[str, str]:
    """The password and its hash."""
    from services.console.accounts import passwords
    from services.console.policy.sign_in import PASSWORD_LENGTH

    password = sys.stdin.readline().rstrip("\r\n") if from_stdin else passwords.generate_password()
    if len(password) not in PASSWORD_LENGTH:
        raise refuse(f"a password has {PASSWORD_LENGTH[0]} to {PASSWORD_LENGTH[-1]} characters")
    return password, passwords.hash_password(password)


def _tell(name: str, password: str | None) -> None:
    typer.echo(f"{name} can sign in")
    if password is not None:
        typer.echo(f"password: {password}")


def _do(act: "Callable[[UnitOfWork, datetime], Awaitable[T]]") -> T:
    from services.platform.runtime.clocks import Clocks
    from services.platform.runtime.settings import Settings
    from services.platform.store.engine import connect
    from services.platform.store.unit_of_work import Store

    async def within() -> T:
        store = Store(connect(Settings(), "console"))
        try:
            async with store.transaction() as uow:
                return await act(uow, Clocks().wall())
        finally:
            await store.close()

    return asyncio.run(within())
