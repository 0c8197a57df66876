"""Runs the Makefile's commands: `python -m infra.local {run | text | forward | audit | services | doctor | backup}`."""

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console

from infra.docker.layout import SERVICES
from infra.kafka.jars import CannotFetch
from infra.local import screen
from infra.local.engines.starter import DidNotStart, server_of
from infra.local.example.authority import ExampleRefused
from infra.local.processes.ports import remembered
from infra.local.processes.readiness import NotReady
from infra.local.processes.run_lock import AlreadyRuns, RunLock
from infra.local.settings.environment import of_service
from infra.local.settings.layout import CLUSTER, HOME, ROOT, Layout
from infra.local.settings.secret_files import SecretFiles, public_key
from infra.local.stack import Stack
from infra.postgres import __main__ as archive
from infra.postgres import place
from infra.postgres.backup import CannotBackUp, dump
from infra.postgres.place import NoPlace
from infra.postgres.server import Server

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console(highlight=False)
NUMBER = re.compile(r"^\+[1-9][0-9]{6,14}$")
A_TEXT = "Such as: make text FROM=+447700900100 BODY=MISSING"
SETTINGS_OF = {
    "audit": "audit",
    "authority-exit": "casework",
    "editions": "protocol",
    "forward": "clock",
    "organisations": "casework",
    "police": "police",
    "register": "casework",
}
"""By command of `python -m services`, the service whose settings it gets. All others get the console's."""
PASSED_ON: dict[str, Any] = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
"""Whatever is asked, `--help` too, is for the command itself."""
NAME_A_SERVICE = {"doctor", "renew-keys"}
"""Commands that get the settings of the service that they name."""
AS_ADMINISTRATOR = {"authority-exit", "migrate"}
"""Commands that reach the database as its administrator as well."""
ROLES_EVERY_SECONDS = 2.0
REFUSALS = (AlreadyRuns, CannotBackUp, CannotFetch, DidNotStart, ExampleRefused, NoPlace, NotReady)


@app.command()
def run(folder: Path = HOME, copy: Path | None = None, *, cluster: bool = False) -> None:
    """Start everything, say where it is, and stop all of it on Ctrl-C. With --copy, what `backup` wrote is restored
    first. With --cluster, there are three brokers, two databases and two processes of each service.
    """
    if copy == Path():
        raise _refused("Say which copy: make restore FROM=.local/backups/safe-return-....dump", 2)
    told = threading.Event()
    folder = CLUSTER if cluster else folder
    stack = Stack(
        folder, replicas=2 if cluster else 1, cluster=cluster, fixed_ports=True, archive=True, copy=copy, say=_say
    )
    # Ctrl-C too: a shell that starts this in the background has it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _as_ctrl_c)
    begun = time.monotonic()
    try:
        stack.start()
        screen.show(stack, console, time.monotonic() - begun, folder)
        while not told.wait(ROLES_EVERY_SECONDS):
            screen.say_changed_roles(stack, _say)
    except KeyboardInterrupt:
        pass
    except REFUSALS as refusal:
        console.print(f"Safe Return did not start: {refusal}", style="red", markup=False)
        raise typer.Exit(1) from None
    finally:
        # From here on a second Ctrl-C must not leave processes behind.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        stack.stop()
    console.print("Safe Return has stopped.")


@app.command()
def text(
    sender: Annotated[str, typer.Option(envvar="TEXT_FROM")] = "",
    body: Annotated[str, typer.Option(envvar="TEXT_BODY")] = "",
) -> None:
    """Text Safe Return from a phone of the sandbox's."""
    if not NUMBER.match(sender):
        raise _refused(f"FROM is missing, or no phone's number. {A_TEXT}", 2)
    if not body.strip():
        raise _refused(f"BODY is missing: what the text says. {A_TEXT}", 2)
    sandbox = _endpoint("sandbox")
    try:
        answer = httpx.post(f"{sandbox}/texts", json={"from": sender, "body": body}, timeout=10, trust_env=False)
    except httpx.HTTPError as error:
        raise _refused(f"The sandbox does not answer at {sandbox}: {error}") from None
    if not answer.is_success:
        raise _refused(f"The sandbox refused the text: {answer.text}")
    console.print(f"Sent. The conversation is at {sandbox}", markup=False)


@app.command()
def forward(by: str) -> None:
    """Move story time forward: 30m, 2h, 3d."""
    raise typer.Exit(_services("clock", "forward", by))


@app.command(context_settings=PASSED_ON)
def audit(asked: typer.Context) -> None:
    """Ask the record: verify, pack EPISODE, gaps, anchor."""
    raise typer.Exit(_services("audit", "audit", *asked.args))


@app.command(context_settings=PASSED_ON)
def services(asked: typer.Context) -> None:
    """Run a command of `python -m services`, with the settings and secrets of what runs."""
    order = asked.args
    if not order or order[0] == "run":
        raise _refused('Say which order: make services DO="accounts reset NAME"', 2)
    names_one = order[0] in NAME_A_SERVICE and len(order) > 1
    service = order[1] if names_one and order[1] in SERVICES else SETTINGS_OF.get(order[0], "console")
    raise typer.Exit(_services(service, *order))


@app.command()
def doctor() -> None:
    """Try all that each service depends on."""
    copies = f"http://127.0.0.1:{remembered(_home().ports)['backups']}/metrics"
    ended = 0
    for service in SERVICES:
        console.print(f"\n{service}", style="bold")
        ended |= _services(service, "doctor", service, *(["--copies", copies] if service == "casework" else []))
    raise typer.Exit(ended)


@app.command()
def backup(file: Path | None = None) -> None:
    """Copy the database into a file while everything runs."""
    _endpoint("audit")
    layout = _home()
    layout.backups.mkdir(exist_ok=True)
    target = file or layout.backups / f"safe-return-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}.dump"
    made = SecretFiles(layout.secrets).made
    try:
        about = dump(server_of(layout, remembered(layout.ports)).tools(), target, made)
    except CannotBackUp as refusal:
        raise _refused(str(refusal)) from None
    console.print(f"{target}\nIts newest anchor is {about.get('anchor_hash', 'not made yet')}", markup=False)
    console.print(f"The secrets are not in it: keep a copy of {made} apart from it.", markup=False)


@app.command()
def recover(moment: str = "", folder: Path = HOME) -> None:
    """Restore a stopped run's database to a moment, from what it kept elsewhere. Its former files are put beside."""
    layout = Layout(folder)
    secrets, lock = SecretFiles(layout.secrets), RunLock(layout.run_lock)
    try:
        lock.take()
        where, source, identity = place.find(layout.folder), layout.archive / "copies", layout.archive / "example.key"
        signer = public_key((secrets.made / "backup_key").read_text())
        with _aside(where.files):
            restored = archive.restore_into(where, source.as_uri(), identity, signer, moment or None)
        Server(where, 0, secrets.database_password("administrator")).adopt()
        layout.rewind.write_text((restored.base.at - timedelta(minutes=15)).isoformat())
    except (AlreadyRuns, NoPlace, OSError) as refusal:
        raise _refused(str(refusal)) from None
    finally:
        lock.release()
    console.print(
        "Next: `make run`. It reads the bus again since before the base backup: what was done already is known."
    )


@contextmanager
def _aside(files: Path) -> Iterator[None]:
    """Moves the folder aside, and back if nothing took its place: the next run would make an empty database there."""
    former = files.with_name(f"former-{time.strftime('%Y%m%d-%H%M%S')}")
    if files.exists():
        files.rename(former)
    try:
        yield
    finally:
        if former.exists() and not files.exists():
            former.rename(files)


def _services(service: str, *order: str) -> int:
    """Runs one command of `python -m services`, with the service's own settings and secrets. Returns its exit code."""
    layout = _home()
    _endpoint(service)
    ports = remembered(layout.ports)
    environment = of_service(layout, ports, service, slot=0)
    if order[0] in AS_ADMINISTRATOR:
        environment["SAFE_RETURN_ADMIN_DATABASE"] = server_of(layout, ports).admin_url
    if order[:2] == ("audit", "pack") and not any(each.startswith("--folder") for each in order):
        order = (*order, "--folder", str(layout.evidence))
    return subprocess.run([sys.executable, "-m", "services", *order], cwd=ROOT, env=environment, check=False).returncode


def _endpoint(name: str) -> str:
    """Raises Exit if nothing runs. A run that was killed leaves its file of endpoints behind, but never its lock."""
    layout = _home()
    if layout.endpoints.exists() and RunLock(layout.run_lock).is_held():
        return str(json.loads(layout.endpoints.read_text())[name])
    raise _refused("Safe Return does not run here: start it with `make run` in another terminal.")


def _refused(why: str, code: int = 1) -> typer.Exit:
    """Prints why, and returns the exit for the caller to raise."""
    console.print(why, style="red", markup=False, soft_wrap=True)
    return typer.Exit(code)


def _say(line: str) -> None:
    console.print(f"  {line}", markup=False)


def _home() -> Layout:
    """The files of what runs: those of the cluster, if it does."""
    cluster = Layout(CLUSTER)
    return cluster if cluster.run_lock.exists() and RunLock(cluster.run_lock).is_held() else Layout(HOME)


def _as_ctrl_c(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    app()
