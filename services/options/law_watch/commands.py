"""Provides `python -m services law`: what rules rest on, where it is published, and whether it has changed."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.platform.runtime.commands import refuse

if TYPE_CHECKING:
    from services.options.law_watch.comparison import Provision

law = typer.Typer(no_args_is_help=True, help="The law that rules cite, beside the law as it is published.")
Own = Annotated[
    Path | None, typer.Option("--read", help="A file like provisions.yaml, for what you have read yourselves.")
]


@law.command("list")
def list_provisions(read: Own = None) -> None:
    """What rules rest on, where it is published, and which text somebody has read."""
    for each in _provisions(read):
        known = "no text of the publication was read" if each.version is None else f"the text of {each.version}"
        typer.echo(f"{each.cite:8}{each.address}  {each.at.split('/', 3)[3]}, read on {each.read_on}: {known}")


@law.command()
def fetch(folder: Path, read: Own = None) -> None:
    """Fetch each instrument into FOLDER, where there is a network. One that cannot be had is named."""
    import httpx

    failed = False
    with httpx.Client(follow_redirects=True, timeout=60) as client:
        for address in dict.fromkeys(each.address for each in _provisions(read)):
            name = address.split("/", 3)[3].removesuffix("/data.xml").replace("/", "-") + ".xml"
            try:
                (folder / name).write_bytes(client.get(address).raise_for_status().content)
            except (httpx.HTTPError, OSError) as error:
                failed = True
                typer.echo(f"{address} cannot be had: {error}", err=True)
            else:
                typer.echo(folder / name)
    if failed:
        raise typer.Exit(2)


@law.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="As `law fetch` writes them: data.xml of legislation.gov.uk.")],
    read: Own = None,
    folder: Annotated[Path | None, typer.Option(help="Where the authorities' own rules lie.")] = None,
) -> None:
    """Compare FILES with what was read, and name each rule that rests on a change. Ends with 1 if there is one."""
    from services.options.law_watch.comparison import compare
    from services.options.law_watch.publication import NotPublished, Published, read_publication
    from services.platform.runtime.clocks import Clocks
    from services.protocol.law.law import shipped
    from services.safeguarding.working_time import day_in_england

    published: dict[str, Published] = {}
    for file in files:
        try:
            published |= read_publication(file.read_bytes())
        except (NotPublished, OSError) as error:
            raise refuse(f"{file}: {error}") from None
    findings = list(compare(_provisions(read), published, _cites(folder), shipped(), day_in_england(Clocks().wall())))
    for each in findings:
        typer.echo(f"{each.provision.cite}, {each.provision.at.split('/', 3)[3].replace('/', ' ')}: {each.says}")
        for rule in () if each.good else each.rests:
            typer.echo(f"  {rule}")
    if not findings:
        raise refuse("no rule rests on any of it: `services law list` names what rules rest on")
    if not all(each.good for each in findings):
        raise typer.Exit(1)


def _provisions(own: Path | None) -> "list[Provision]":
    from services.options.law_watch.comparison import read_provisions

    try:
        return read_provisions(own)
    except (ValueError, OSError) as error:
        raise refuse(str(error)) from None


def _cites(folder: Path | None) -> dict[str, Iterable[str]]:
    """What each rule cites: the default ones, and those of the authorities."""
    from services.protocol.loader import DEFAULT, files

    try:
        read = files(folder)
    except ValueError as fault:
        raise refuse(str(fault)) from None
    return {
        rule["id"] if file.authority == DEFAULT else f"{rule['id']}, of {file.authority}": rule["because"]["cite"]
        for file in read
        for rule in file.rules
    }
