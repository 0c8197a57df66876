"""Provides `python -m services fallback`: makes keys, opens a pack, tries whether every place holds a good one."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.platform.runtime.commands import refuse

if TYPE_CHECKING:
    from services.options.fallback_pack.pack import SealedPack

fallback = typer.Typer(
    no_args_is_help=True, help="The pack for when all of it is down. Needs neither bus nor database."
)
Identity = Annotated[Path, typer.Option(help="The file with the age identity that `new-key` wrote.")]
Signer = Annotated[str, typer.Option(help="The public key of this installation: `services fallback signer`.")]


@fallback.command("new-key")
def new_key(file: Path) -> None:
    """Write an identity to FILE, which opens packs, and print its recipient for the plan. Keep FILE elsewhere."""
    from pyrage import x25519

    if file.exists():
        raise refuse(f"{file} exists, and packs may be sealed to it: name another file")
    identity = x25519.Identity.generate()
    file.touch(mode=0o600)
    file.write_text(str(identity) + "\n")
    typer.echo(identity.to_public())


@fallback.command()
def signer() -> None:
    """Print the public key that proves a pack to be ours. Keep it on paper."""
    from services.console.settings import ConsoleSettings
    from services.platform.runtime.places import public_key
    from services.platform.runtime.places import signer as private

    key = ConsoleSettings().pack_key
    if key is None:
        raise refuse("this installation has no pack_key among the console's secrets")
    typer.echo(public_key(private(key.get_secret_value())))


@fallback.command("open")
def open_file(pack: Path, identity: Identity, signer: Signer, to: Path) -> None:
    """Check PACK, open it, and write the page to TO. Its signature lies beside it, as it was put there."""
    from services.options.fallback_pack.pack import SealedPack

    try:
        sealed = SealedPack(pack.read_bytes(), pack.with_name(f"{pack.name}.sig").read_bytes())
    except OSError as error:
        raise refuse(f"{error.filename} cannot be read ({error.strerror})") from None
    page = _opened(sealed, identity, signer)
    to.touch(mode=0o600)
    to.write_text(page)
    typer.echo(f"{to}: open it in a browser and print it")


@fallback.command()
def drill(plan: Path, authority: str, identity: Identity, signer: Signer) -> None:
    """Fetch AUTHORITY's pack from each place of PLAN, check and open it. Exits with 1 if a place has no good one."""
    from services.options.fallback_pack.pack import PlanFault, fetch, read_plans
    from services.platform.runtime.places import PlaceAway

    try:
        plans = read_plans(plan)
    except PlanFault as fault:
        raise refuse(str(fault)) from None
    if authority not in plans:
        raise refuse(f"{plan} has no {authority}; it has {', '.join(plans)}")
    good = True
    for number, place in enumerate(plans[authority].places, start=1):
        try:
            page = _opened(asyncio.run(fetch(place)), identity, signer)
        except PlaceAway:
            typer.echo(f"place {number}: no pack could be fetched", err=True)
            good = False
        else:
            typer.echo(f"place {number}: {page.partition('<h1>')[2].partition('</h1>')[0]}")
    if not good:
        raise typer.Exit(1)


def _opened(sealed: "SealedPack", identity: Path, signer: str) -> str:
    from services.options.fallback_pack.pack import WrongKey, open_pack
    from services.platform.runtime.places import NotOurs

    try:
        return open_pack(sealed, identity.read_text(), signer)
    except OSError as error:
        raise refuse(f"{error.filename} cannot be read ({error.strerror})") from None
    except NotOurs:
        raise refuse("the pack was not signed by this installation, or was changed since: do not use it") from None
    except WrongKey:
        raise refuse("this identity does not open the pack; it was sealed to another") from None
