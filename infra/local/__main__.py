"""`python -m infra.local {run | text | forward | clean}`: what the Makefile calls."""

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType

import httpx
import typer
from rich.console import Console

from infra.kafka.jars import CannotFetch
from infra.local import screen
from infra.local.engines import DidNotStart
from infra.local.environment import of_service
from infra.local.example_authority import ExampleRefused
from infra.local.layout import HOME, ROOT, Layout
from infra.local.ports import remembered
from infra.local.readiness import NotReady
from infra.local.run_lock import AlreadyRuns
from infra.local.stack import Stack
from infra.postgres.place import NoPlace

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console(highlight=False)
REFUSALS = (AlreadyRuns, CannotFetch, DidNotStart, ExampleRefused, NoPlace, NotReady)


@app.command()
def run(folder: Path = HOME) -> None:
    """Start everything, say where it is, and stop all of it on Ctrl-C."""
    told = threading.Event()
    stack = Stack(folder, fixed_ports=True, say=lambda sentence: console.print(f"  {sentence}", markup=False))
    # Ctrl-C too: a shell that starts this in the background has it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _as_ctrl_c)
    begun = time.monotonic()
    try:
        stack.start()
        screen.show(stack, console, time.monotonic() - begun, folder)
        told.wait()
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
def text(sender: str, body: str) -> None:
    """Text Safe Return from a phone of the sandbox's."""
    answer = httpx.post(
        f"{_endpoint('sandbox')}/texts", json={"from": sender, "body": body}, timeout=10, trust_env=False
    )
    if not answer.is_success:
        console.print(f"The sandbox refused the text: {answer.text}", style="red", markup=False)
        raise typer.Exit(1)
    console.print(f"Sent. The conversation is at {_endpoint('sandbox')}", markup=False)


@app.command()
def forward(by: str) -> None:
    """Move story time forward: 30m, 2h, 3d."""
    layout = Layout(HOME)
    _endpoint("clock")
    environment = of_service(layout, remembered(layout.ports), "clock", slot=0)
    done = subprocess.run([sys.executable, "-m", "services", "forward", by], cwd=ROOT, env=environment, check=False)
    raise typer.Exit(done.returncode)


@app.command()
def clean() -> None:
    """Delete everything that `make run` keeps: the database, the bus, the secrets."""
    stack = Stack(HOME)
    try:
        stack.remove()
    except AlreadyRuns as refusal:
        console.print(f"Nothing was deleted: {refusal}", style="red", markup=False)
        raise typer.Exit(1) from None


def _endpoint(name: str) -> str:
    try:
        return str(json.loads(Layout(HOME).endpoints.read_text())[name])
    except FileNotFoundError:
        console.print(
            "Safe Return does not run here: start it with `make run` in another terminal.", style="red", markup=False
        )
        raise typer.Exit(1) from None


def _as_ctrl_c(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    app()
