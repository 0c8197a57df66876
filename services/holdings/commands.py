"""Provides `subject-access`, with the console's settings, and `authority-exit`, with casework's and an administrator's
database. Each acts in the name of somebody who is signed in.
"""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from services.options.register_upkeep.commands import acting
from services.platform.runtime.commands import By, admin_database, refuse, require_text

if TYPE_CHECKING:
    from services.holdings.subject_access import Pack


def subject_access(
    subject: Annotated[
        str, typer.Argument(metavar="CHILD|PERSON|ACCOUNT", help="Their id: child-, person-, account-.")
    ],
    to: Annotated[Path, typer.Option(help="The JSON file. The page to print is at the console, under the same id.")],
    why: Annotated[str, typer.Option(help="Who asked, and when. Kept on the record.", prompt="Why")],
    by: By,
) -> None:
    """Write all that is held about a person to a file: opened, others masked. Read it before you give it."""
    pack = asyncio.run(_give(subject, require_text(why, "say why"), by))
    if pack is None:
        raise refuse(
            "nobody of this id whom the code's owner sees, or the code is wrong, too old, or not a duty manager's:"
            " show a new one at the console, under Your account"
        )
    to.touch(mode=0o600)
    to.write_text(pack.as_json(), encoding="utf-8")
    typer.echo(f"{to}: {sum(len(each['rows']) for each in pack.held)} rows of {len(pack.held)} tables")


async def _give(subject: str, why: str, code: str) -> "Pack | None":
    from services.console.policy.access import ALL, May, Operator
    from services.console.settings import ConsoleSettings
    from services.holdings.subject_access import SubjectAccess
    from services.platform.register.operators import operator_by_code
    from services.platform.runtime.clocks import Clocks
    from services.platform.store.story_clock import opened

    settings, clocks = ConsoleSettings(), Clocks()
    async with opened(settings, "console", clocks) as store:
        async with store.transaction() as uow:
            found = await uow.fetch(operator_by_code(code, clocks.wall()))
        if found is None:
            return None
        operator = Operator(
            found.account, found.account, found.role, frozenset([ALL] if found.scope is None else found.scope)
        )
        if not operator.may(May.DISCLOSE):
            return None
        return await SubjectAccess(store, clocks, settings.keyring).give(operator, subject, uuid4(), why)


exits = typer.Typer(
    no_args_is_help=True, help="An authority leaves: export everything that is its own, then delete it."
)
Folder = Annotated[Path, typer.Option(help="Where the sealed files, the manifest and the certificate go.")]


@exits.command("export")
def export_authority(
    authority: str,
    recipient: Annotated[str, typer.Option(help="The authority's own age key, age1...: it alone opens the files.")],
    folder: Folder,
    by: By,
) -> None:
    """Verify AUTHORITY's record, and write all of its rows, opened, a sealed file a table, with its key."""
    from services.holdings import authority_exit
    from services.platform.delivery.settings.keys import KeySettings

    database, keyring = admin_database(), KeySettings().keyring
    [account], now = asyncio.run(_owners(by))
    record = asyncio.run(authority_exit.verify_record(database, authority))
    about = {"exported_at": now.isoformat(), "exported_by": account, "record": record}
    made = authority_exit.export(database, keyring, authority, recipient, folder, about)
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
    from services.holdings import authority_exit
    from services.platform.runtime.settings import SigningKeys

    SigningKeys()  # without them the record could not say that the authority left, and everything would be gone
    database, file = admin_database(), folder / authority_exit.MANIFEST
    manifest = json.loads(file.read_text())
    if manifest["authority"] != authority:
        raise refuse(f"{folder} holds the export of {manifest['authority']}: nothing was deleted")
    authority_exit.dispose(database, manifest, looking=True)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    accounts, _ = asyncio.run(_owners(by, second))
    authority_exit.dispose(database, manifest)
    # Only now: what is on the record cannot be taken back. Where this stops before, `audit verify` says so until the
    # same command is given again.
    now = asyncio.run(_record_left(authority, accounts, digest, manifest["heads"]))
    typer.echo(authority_exit.certify(folder, manifest, accounts, now))


async def _owners(code: str, second: str = "") -> tuple[list[str], datetime]:
    """Whose codes these are, and when. Raises Exit."""
    from services.options.register_upkeep.organisations import changes_by_code

    async with acting(code) as first:
        if not second:
            return [first.by], first.now
        other = await changes_by_code(first.uow, first.keyring, second, first.now)
        if other is None or other.by == first.by:
            raise refuse("nothing was done: the second code is wrong or too old, or of the same person")
        return [first.by, other.by], first.now


async def _record_left(authority: str, by: Sequence[str], *digests: str) -> datetime:
    """By people whose codes were good before: to delete may take longer than a code is."""
    from services.platform.delivery.settings.keys import KeySettings
    from services.platform.register.operators import record_change_of_authority
    from services.platform.runtime.clocks import Clocks
    from services.platform.store.story_clock import opened

    clocks = Clocks()
    async with opened(KeySettings(), "casework", clocks) as store, store.transaction() as uow:
        for step, account in zip(("proposed", "left"), by, strict=True):
            record_change_of_authority(uow, authority, step, account, *digests)
    return clocks.wall()
