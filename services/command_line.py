"""The commands beside `run`, which `services.__main__` carries out itself."""

import asyncio
import importlib
import logging
import os
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from services.audit.commands import audit, aware
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.commands import admin_database, refuse
from services.police.commands import police
from services.protocol.editions.store import editions
from services.run import SERVICES, fit_options, run_service
from services.safeguarding.working_time import day_in_england

KEEPS_CLOSED = ("casework", "carers", "strategy", "professionals")

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(audit, name="audit")
app.add_typer(police, name="police")
for _option in fit_options():
    for _name, _command in _option.commands().items():
        if isinstance(_command, typer.Typer):
            app.add_typer(_command, name=_name)
        else:
            app.command(_name)(_command)


@app.command("dead-letters")
def dead_letters() -> None:
    """List messages that services could not process. The console's page *Dead letters* gives one another try."""
    from services.platform.bus import dead_letters as letters
    from services.platform.bus.connection import Connection
    from services.platform.runtime.settings import KafkaSettings

    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # the command itself says that Kafka does not answer, once
    found = letters.list_dead_letters(Connection(KafkaSettings()))
    for each in found:
        typer.echo(f"{each.id}\n  {each.explain()}")
    if not found:
        typer.echo("no dead letters")


app.command()(editions)


@app.command()
def doctor(
    service: Annotated[str, typer.Argument(help=f"One of: {', '.join(SERVICES)}. Its settings are read.")],
    copies: Annotated[
        str | None, typer.Option(help="Where the keeper of the copies tells its metrics: tried too, if given.")
    ] = None,
) -> None:
    """Try all that SERVICE depends on: a line each, green, or red with the cause and the page that mends it."""
    from services.doctor.examination import Examination

    if service not in SERVICES:
        raise typer.BadParameter(f"choose one of: {', '.join(SERVICES)}")
    logging.disable(logging.CRITICAL)  # each finding is a line of its own
    found = asyncio.run(Examination(service, copies).findings())
    for each in found:
        typer.echo(str(each))
    if not all(each.good for each in found):
        raise typer.Exit(1)


@app.command("list")
def list_services() -> None:
    """The services, one a line."""
    for service in SERVICES:
        typer.echo(service)


@app.command()
def run(service: str) -> None:
    """Run one service until it is told to stop (SIGTERM, Ctrl-C)."""
    if service not in SERVICES:
        raise typer.BadParameter(f"choose one of: {', '.join(SERVICES)}")
    run_service(service)


def today() -> date:
    """In England, by the wall clock."""
    return day_in_england(Clocks().wall())


@app.command()
def migrate() -> None:
    """Bring the database named by SAFE_RETURN_ADMIN_DATABASE to the newest shape."""
    from services.platform.store.migrations.apply import BlindOwnerError, UnknownShapeError, apply

    try:
        apply(admin_database())
    except (BlindOwnerError, UnknownShapeError) as why:
        raise refuse(str(why)) from None


@app.command()
def topics() -> None:
    """Create the topics that do not exist yet, and have all kept for as long as infra/kafka/topics.yaml says. Where
    Kafka is guarded, set each service's login and rights too.

    The passwords are files, each named as its service, in the folder SAFE_RETURN_KAFKA_LOGINS_DIR.
    """
    from services.platform.bus.administration import create, set_access, set_retention
    from services.platform.bus.connection import Connection
    from services.platform.runtime.settings import KafkaSecurity, TopicSettings
    from services.schemas.messages import HEARS

    settings = TopicSettings()
    created = create(settings)
    typer.echo(f"created: {', '.join(created) or 'none, all exist'}")
    changed, refused = set_retention(settings)
    typer.echo(f"kept for another time: {', '.join(changed) or 'none, all are kept as declared'}")
    for each in refused:
        typer.echo(f"Kafka refuses to keep it for another time: {each}", err=True)
    if settings.kafka_security is not KafkaSecurity.PLAINTEXT:
        folder = os.environ.get("SAFE_RETURN_KAFKA_LOGINS_DIR")
        passwords = {} if folder is None else {each.name: each.read_text() for each in Path(folder).iterdir()}
        typer.echo(f"rights: {set_access(Connection(settings), HEARS, passwords)}")


@app.command()
def rewind(to: Annotated[str, typer.Argument(help="A moment such as 2026-11-24T22:00:00Z.")]) -> None:
    """Set every service back to that moment's messages, after restoring an older database. Stop them first."""
    from services.platform.bus import administration
    from services.platform.bus.connection import Connection
    from services.platform.runtime.settings import KafkaSettings

    at = aware(to)
    try:
        services = administration.reset_offsets(Connection(KafkaSettings()), at)
    except administration.StillRuns as running:
        typer.echo(f"{running} still reads the bus: stop it, and ask again", err=True)
        raise typer.Exit(2) from None
    typer.echo(f"set back: {', '.join(services) or 'none, nobody has read the bus yet'}")


@app.command("renew-keys")
def renew_keys(service: Annotated[str, typer.Argument(help=f"One of: {', '.join(KEEPS_CLOSED)}.")]) -> None:
    """Bring SERVICE's rows from older master and phone keys to the newest, while everything runs."""
    from services.platform.delivery.settings.keys import KeySettings
    from services.platform.register.keys import renew_all
    from services.platform.store.engine import connect

    if service not in KEEPS_CLOSED:
        raise typer.BadParameter(f"choose one of: {', '.join(KEEPS_CLOSED)}")
    parts = importlib.import_module(f"services.{service}.key_rotation").RENEWS
    settings = KeySettings()
    done = asyncio.run(renew_all(connect(settings, service), settings.keyring, parts, typer.echo))
    if not done:
        typer.echo("keep the older keys: they are still needed, or lost keys are", err=True)
        raise typer.Exit(1)
    typer.echo(f"nothing of {service}'s needs an older key any more")


@app.command()
def check(folder: Path | None = None) -> None:
    """Say what is wrong with the protocol: the default rules, the authorities' own in FOLDER, their wordings."""
    from services.handbook.check import check as findings_in
    from services.handbook.check import read_of
    from services.protocol.checks.check import warnings

    for sentence in read_of(folder):
        typer.echo(sentence)
    for sentence in warnings(folder, today()):
        typer.echo(f"warning: {sentence}", err=True)
    findings = findings_in(folder)
    for each in findings:
        typer.echo(str(each), err=True)
    if findings:
        raise typer.Exit(1)
    typer.echo("the protocol holds: every path ends in a person, every rule cites, every text fits")


@app.command()
def explain(
    event: str,
    authority: str = "default",
    folder: Path | None = None,
    *,
    on: Annotated[
        str | None, typer.Option(help="A day, 2026-12-01: the rules as they are in force then. Left out: today.")
    ] = None,
    svg: bool = typer.Option(False, "--svg", help="As a drawing that any browser shows."),
) -> None:
    """Say who would be told on EVENT (child.reported-missing), when and why."""
    from services.handbook.charts.chart import draw, require_known
    from services.handbook.charts.chart import explain as sentences
    from services.protocol.law.law import day_of
    from services.protocol.loader import Library, files, is_of_rules, passed_over

    for each in [] if folder is None else filter(is_of_rules, passed_over(folder)):
        typer.echo(f"{each} is not read: see `check`", err=True)
    try:
        library, day = Library(files(folder)), day_of(on) or today()
        require_known(library, authority)
        if svg:
            typer.echo(draw(event, library, authority, day), nl=False)
        else:
            typer.echo(sentences(event, authority, library, day), nl=False)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


@app.command()
def diff(
    old: Path,
    new: Path,
    authority: str = "default",
    stories: Annotated[
        Path | None, typer.Option(help="A folder of stories; left out, the golden ones of tests/scenarios.")
    ] = None,
) -> None:
    """Say whom the change of rules from OLD to NEW (folders or files) affects, over all stories. Sends nothing."""
    from services.handbook.stories.golden_stories import STORIES, difference, rules_in

    try:
        typer.echo(difference(rules_in(old), rules_in(new), authority, stories or STORIES), nl=False)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None


@app.command()
def simulate(
    story: Path,
    folder: Path | None = None,
    html: Annotated[Path | None, typer.Option(help="Also write the timeline as a page to this file.")] = None,
    *,
    count: bool = typer.Option(False, "--count", help="How many messages each reader gets, and which are needless."),
    town: bool = typer.Option(
        False, "--town", help="STORY is a town: a fortnight of many children. Exits with 1 over its budget."
    ),
) -> None:
    """Run a story (tests/scenarios/*.yaml) on the real engine with a moved clock. Sends nothing."""
    from services.handbook.stories.golden_stories import count_messages
    from services.handbook.stories.story_pages import page
    from services.handbook.stories.town import play_town, read_town
    from services.protocol.loader import Library, files
    from services.protocol.simulate import simulate as timeline_of

    try:
        if town:
            fortnight = play_town(read_town(story), Library(files(folder)))
            typer.echo(str(fortnight))
            raise typer.Exit(1 if fortnight.faults() else 0)
        timeline = timeline_of(story, folder)
        typer.echo("\n".join(map(str, count_messages(timeline))) if count else str(timeline))
        if html is not None:
            html.write_text(page(timeline))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"the story cannot be read: {error}") from None


@app.command()
def forward(by: str) -> None:
    """Move story time forward, by 30m, 2h or 3d. Only in a declared sandbox."""
    from services.platform.runtime.settings import Settings
    from services.platform.store.engine import connect
    from services.platform.store.story_clock import move_forward
    from services.protocol.policy.rule_language.grammar import length

    try:
        step = length(by)
    except ValueError:
        raise typer.BadParameter("say how far: 30s, 30m, 2h or 3d") from None
    settings = Settings()
    if not settings.sandbox:
        typer.echo("story time moves only where SAFE_RETURN_SANDBOX declares a sandbox", err=True)
        raise typer.Exit(2)
    ahead_by = asyncio.run(move_forward(connect(settings, "clock"), step))
    typer.echo(f"story time is {ahead_by} ahead of the wall clock")


@app.command()
def schemas(
    *,
    check: bool = typer.Option(
        False, "--check", help="Write nothing; say what differs, and exit with 1 if anything does."
    ),
) -> None:
    """Render `schemas/` from the models, and the pages of `docs/` that the rules and stories make."""
    from services.handbook.documents.pages import FOLDER, documents
    from services.schemas import documents as contracts
    from services.schemas.documents import list_differing, write_differing

    render = list_differing if check else write_differing
    changed = [
        *(f"schemas/{path}" for path in render(contracts.documents(), contracts.FOLDER, alone=True)),
        *(f"docs/{path}" for path in render(documents(), FOLDER)),
    ]
    for path in changed:
        typer.echo(f"{path} differs from the code" if check else path)
    if check and changed:
        typer.echo("`make schemas` writes them anew", err=True)
        raise typer.Exit(1)
