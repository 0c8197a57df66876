"""Provides `subject-access`, with the console's settings, and `authority-exit`, with casework's and an administrator's
database. Each acts in the name of somebody who is signed in.
"""

import asyncio
import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from services.platform.runtime.commands import By, admin_database, refuse, require_text

if TYPE_CHECKING:
    from services.holdings.pack import Pack


def subject_access(
    subject: Annotated[
        str, typer.Argument(metavar="CHILD|PERSON|ACCOUNT", help="Their id: child-, person-, account-.")
    ],
    to: Annotated[Path, typer.Option(help="The JSON file. The page to print is at the console, under the same id.")],
    why: Annotated[str, typer.Option(help="Who asked, and when. Kept on the record.", prompt="Why")],
    by: By,
) -> None:
    """Write all that is held of a person to a file: opened, others masked. Read it before you give it."""
    pack = asyncio.run(_give(subject, require_text(why, "say why"), by))
    if pack is None:
        raise refuse(
            "nobody of this id whom the code's owner sees, or the code is wrong, too old, or not a duty manager's:"
            " show a new one at the console, under Your account"
        )
    to.touch(mode=0o600)
    to.write_text(pack.as_json(), encoding="utf-8")
    typer.echo(f"{to}: {sum(len(each.rows) for each in pack.sections)} rows of {len(pack.sections)} tables")


async def _give(subject: str, why: str, code: str) -> "Pack | None":
    from services.console.policy.permits import ALL, May, Operator
    from services.console.settings import ConsoleSettings
    from services.holdings.subject_access import SubjectAccess
    from services.platform.register.people.operators import operator_by_code
    from services.platform.runtime.clocks import Clocks
    from services.platform.store.engine import connect
    from services.platform.store.story_time import story_clock
    from services.platform.store.unit_of_work import Origin, Store

    settings, clocks = ConsoleSettings(), Clocks()
    store = Store(connect(settings, "console"), origin=Origin("console", clocks))
    try:
        async with store.transaction() as uow:
            clocks.move_to(await story_clock.ahead_by(uow.connection))
            found = await uow.fetch(operator_by_code(code, clocks.wall()))
        if found is None:
            return None
        operator = Operator(found.account, found.account, found.role, frozenset(found.scope or [ALL]))
        if not operator.may(May.DISCLOSE):
            return None
        return await SubjectAccess(store, clocks, settings.keyring).give(operator, subject, uuid4(), why)
    finally:
        await store.close()


exits = typer.Typer(no_args_is_help=True, help="An authority leaves: export all of its own, then dispose it.")
Folder = Annotated[Path, typer.Option(help="Where the sealed files, the manifest and the certificate go.")]


@exits.command("export")
def export_authority(
    authority: str,
    recipient: Annotated[str, typer.Option(help="The authority's own age key, age1...: it alone opens the files.")],
    folder: Folder,
    by: By,
) -> None:
    """Verify AUTHORITY's record, and write all of its rows, opened, a sealed file a table, with its key."""
    from services.holdings import authority_exit as departure
    from services.platform.delivery.settings.keys import KeySettings

    database, keyring = admin_database(), KeySettings().keyring
    with _said_plainly():
        account, now = asyncio.run(_changing(authority, [by], None))
        held = asyncio.run(departure.verified(database, authority))
        about = {"exported_at": now.isoformat(), "exported_by": account[0]}
        made = departure.export(database, keyring, authority, recipient, folder, held, about)
    typer.echo(
        f"{folder}: {sum(each['rows'] for each in made['tables'].values())} rows of {len(made['tables'])} tables"
    )


@exits.command("dispose")
def dispose_authority(
    authority: str,
    folder: Folder,
    by: By,
    second: Annotated[str, typer.Option("--second-code", help="Another person's code.", prompt=True, hide_input=True)],
) -> None:
    """Delete for ever what was exported to FOLDER, AUTHORITY's key with it, and write a certificate."""
    from services.holdings import authority_exit as departure

    database, manifest = admin_database(), json.loads((folder / departure.MANIFEST).read_text())
    if manifest["authority"] != authority:
        raise refuse(f"{folder} holds the export of {manifest['authority']}: nothing was disposed")
    digest = hashlib.sha256((folder / departure.MANIFEST).read_bytes()).hexdigest()
    with _said_plainly():
        departure.require_same(database, manifest)
        accounts, now = asyncio.run(_changing(authority, [by, second], digest))
        departure.dispose(database, authority)
    typer.echo(departure.certify(folder, manifest, accounts, now))


@contextmanager
def _said_plainly() -> Iterator[None]:
    """Raises Exit, with the reason on standard error."""
    from pyrage import RecipientError

    from services.holdings.authority_exit import CannotLeave

    try:
        yield
    except (CannotLeave, RecipientError) as cannot:
        raise refuse(f"nothing was done: {cannot}") from None


async def _changing(authority: str, codes: Sequence[str], digest: str | None) -> tuple[list[str], datetime]:
    """Whose codes these are, of so many people, and when. With the manifest's `digest`, it is on the record that the
    authority leaves. Raises CannotLeave.
    """
    from services.holdings.authority_exit import CannotLeave
    from services.platform.register.organisations.change_record import record_change_of_authority
    from services.platform.register.people.operators import operator_by_code
    from services.platform.runtime.clocks import Clocks
    from services.platform.runtime.settings import Settings
    from services.platform.store.engine import connect
    from services.platform.store.unit_of_work import Origin, Store

    clocks = Clocks()
    store = Store(connect(Settings(), "casework"), origin=Origin("casework", clocks))
    try:
        async with store.transaction() as uow:
            people = [await uow.fetch(operator_by_code(code, clocks.wall())) for code in codes]
            accounts = [each.account for each in people if each is not None and each.scope is None]
            if len({*accounts}) < len(codes):
                raise CannotLeave(
                    "a code is wrong or too old, not of somebody who sees every authority, or of the same person"
                )
            if digest is not None:
                for step, account in zip(("proposed", "left"), accounts, strict=True):
                    record_change_of_authority(uow, authority, step, account, digest)
        return accounts, clocks.wall()
    finally:
        await store.close()
