"""Provides `python -m services organisations`: forces and agencies as they are known, and changes of a force."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from pydantic import ValidationError

from services.platform.runtime.commands import By, refuse
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.operators import AccountId

NOBODY = (
    "the code is wrong or too old, or its owner may not do this: a duty manager or an operator of every authority may."
    " Show a new code at the console, under Your account"
)

organisations = typer.Typer(
    no_args_is_help=True, help="Forces and agencies: enter them, change how a force is reached."
)


@organisations.command()
def put(file: Path, by: By) -> None:
    """Enter the forces and agencies of FILE (JSON). What changes of a known one is only proposed."""
    from services.casework.organisations.repository import put_organisations
    from services.casework.policy.organisations import Organisations
    from services.platform.delivery.channels.http.ssrf_guard import ForbiddenDestination, require_permitted_url
    from services.platform.delivery.settings.keys import KeySettings

    try:
        given = Organisations.model_validate_json(file.read_bytes())
        for force in given.forces:
            urls = [force.notice_url, None if force.oauth is None else force.oauth.token_url]
            for url in filter(None, urls):
                require_permitted_url(url, sandbox=KeySettings().sandbox)
    except ForbiddenDestination as error:
        raise refuse(f"notice_url, token_url: an HTTPS URL with a public address is needed: {error}") from None
    except ValidationError as error:
        for each in error.errors(include_url=False, include_input=False, include_context=False):
            typer.echo(f"{'.'.join(map(str, each['loc']))}: {each['msg']}", err=True)
        raise refuse("nothing was changed: correct these and put the file again") from None

    async def act() -> dict[str, UUID]:
        async with _acting(by) as (uow, keyring, account, now):
            return await put_organisations(uow, keyring, given, account, now)

    proposed = asyncio.run(act())
    typer.echo(json.dumps({force: str(version) for force, version in proposed.items()}))
    for name, version in proposed.items():
        typer.echo(f"{name} is proposed: a second person approves {version}", err=True)
        if name in {each.id for each in given.forces}:
            typer.echo(f"before that: services police test {name} --change {version}", err=True)


@organisations.command()
def approve(
    change: UUID,
    by: By,
    at: Annotated[datetime | None, typer.Option(help="When it takes effect, UTC. Left out: now.")] = None,
) -> None:
    """Show CHANGE, which somebody else proposed, and approve it. A force's address has taken a connection test."""
    from services.casework.organisations import repository as store
    from services.casework.policy.organisations import NOT_BY_ONE, describe_change, why_not_approved

    async def look(*, approved: bool) -> tuple[list[str], datetime]:
        async with _acting(by) as (uow, keyring, account, now):
            effective = now if at is None else max(at.replace(tzinfo=now.tzinfo), now)
            agency = await store.agency_change(uow, keyring, change)
            if agency is not None:
                if agency.proposed_by == account:
                    raise refuse(NOT_BY_ONE)
                if approved:
                    await store.end_agency_change(uow, keyring, change, agency, account, approved=True)
                return describe_change(agency.before, agency.after, store.OF_AN_AGENCY), now
            version = await store.version_of(uow, change, now)
            refused = why_not_approved(version, account)
            if version is None or refused is not None:
                raise refuse(refused or "")
            if approved:
                store.approve(uow, change, version, account, effective)
            return await store.describe(uow, keyring, change, version.force, now), effective

    typer.echo("\n".join(asyncio.run(look(approved=False))[0]))
    typer.confirm("Approve this? Keys and certificates are shown by their fingerprints", abort=True)
    _, effective = asyncio.run(look(approved=True))
    typer.echo(f"approved; in force from {effective:%Y-%m-%d %H:%M} UTC. A force's old keys count for a day after that")


@organisations.command("take-back")
def take_back(change: UUID, by: By) -> None:
    """Take CHANGE back: the version before it holds again, and the keys of CHANGE end. Of one that was approved, the
    first person asks, and a second one does it.
    """
    from services.casework.organisations import repository as store
    from services.casework.policy.organisations import waits_for_second, why_not_taken_back

    async def act() -> bool:
        async with _acting(by) as (uow, keyring, account, now):
            agency = await store.agency_change(uow, keyring, change)
            if agency is not None:
                await store.end_agency_change(uow, keyring, change, agency, account, approved=False)
                return True
            version = await store.version_of(uow, change, now)
            refused = why_not_taken_back(version)
            if version is None or refused is not None:
                raise refuse(refused or "")
            if waits_for_second(version, account):
                store.ask_back(uow, change, version, account)
                return False
            store.take_back(uow, change, version, account, now)
            return True

    typer.echo("taken back" if asyncio.run(act()) else "asked for: a second person gives the same command")


@organisations.command("destroy-key")
def destroy_key(
    authority: str,
    by: By,
    again: Annotated[str, typer.Option("--again", help="The authority once more.", prompt="The authority once more")],
) -> None:
    """Destroy AUTHORITY's key: names, addresses, numbers, words and messages of its people can never be read again."""
    from services.casework.organisations import repository as store

    async def act() -> bool:
        async with _acting(by) as (uow, _, account, _now):
            return again == authority and await store.destroy_key(uow, authority, account)

    if not asyncio.run(act()):
        raise refuse("nothing was destroyed: no key is kept for an authority of both names")
    typer.echo("destroyed. Copies of the database still hold the key, under the keys above it: see docs/operating.md")


@organisations.command("make-key")
def make_key() -> None:
    """Make an Ed25519 key: `whsk_` signs and stays with whoever signs, `whpk_` goes to the other side."""
    from services.platform.delivery.webhook_signature import generate_key

    typer.echo("\n".join(generate_key()))


@asynccontextmanager
async def _acting(code: str) -> AsyncIterator[tuple[UnitOfWork, Keyring, AccountId, datetime]]:
    """A transaction in somebody's name. Raises Exit."""
    from services.casework.organisations.repository import lock_organisations
    from services.platform.delivery.settings.keys import KeySettings
    from services.platform.register.people.operators import operator_by_code
    from services.platform.runtime.clocks import Clocks
    from services.platform.store.engine import connect
    from services.platform.store.unit_of_work import Origin, Store

    settings, clocks = KeySettings(), Clocks()
    store = Store(connect(settings, "casework"), origin=Origin("casework", clocks))
    try:
        async with store.transaction() as uow:
            operator = await uow.fetch(operator_by_code(code, clocks.wall()))
            if operator is None or operator.scope is not None:
                raise refuse(NOBODY)
            await lock_organisations(uow)
            yield uow, settings.keyring, operator.account, clocks.wall()
    finally:
        await store.close()
