"""Prints the one screen of `make run`: what runs where, and what to do next."""

from collections.abc import Callable
from pathlib import Path
from weakref import WeakKeyDictionary

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from infra.local.settings.environment import SAFE_RETURN_NUMBER
from infra.local.settings.layout import BROKERS, DATABASES
from infra.local.stack import Stack

PROMISES = {
    "sandbox": "the outside world, played: phones to type on, police desks, mailboxes",
    "console": "who has been told and who has not, live",
    "casework": "agencies' events and the register",
    "carers": "texts from carers, and to them",
    "protocol": "turns each event into duties",
    "police": "signed notices to forces, their replies",
    "strategy": "invitations to strategy discussions",
    "professionals": "texts to duty staff and social workers",
    "clock": "deadlines, when they fall due",
    "audit": "the record that shows any change",
}


def show(stack: Stack, console: Console, seconds: float, folder: Path) -> None:
    """Prints it; `seconds` is how long the start took."""
    places = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for name in dict.fromkeys((*PROMISES, *stack.endpoints)):
        if name in stack.endpoints:
            places.add_row(Text(name, style="bold"), stack.endpoints[name], PROMISES.get(name, ""))
    for names, what in ((BROKERS, "the bus"), (DATABASES, "what must not be lost")):
        for each in names:
            if each in stack.ports:
                places.add_row(each, f"127.0.0.1:{stack.ports[each]}", what)
    title = f"Safe Return runs (ready in {seconds:.1f} s)"
    console.print(Panel(Group(places, Text(""), _next_steps(stack)), title=title, title_align="left", expand=False))
    console.print(
        f"Logs: {folder}/logs   Ctrl-C stops everything; what it knows is kept (phones and desks start empty).",
        highlight=False,
    )


def say_changed_roles(stack: Stack, say: Callable[[str], None]) -> None:
    """Says which databases and brokers of a cluster lead and follow, if that has changed since it last did."""
    found = stack.roles()
    if found and found != _said.get(stack):
        _said[stack] = found
        say("; ".join(f"{name} {role}" for name, role in found.items()))


_said: WeakKeyDictionary[Stack, dict[str, str]] = WeakKeyDictionary()


def _next_steps(stack: Stack) -> Table:
    steps = Table(box=None, padding=(0, 2, 0, 0), show_header=False, title="What to do next", title_justify="left")
    steps.add_row(
        "1", f"Open {stack.endpoints['sandbox']} and text MISSING to {SAFE_RETURN_NUMBER} from a foster carer's phone,"
    )
    steps.add_row("", "or here: make text FROM=+447700900100 BODY=MISSING")
    steps.add_row("2", f"Watch who is told at {stack.endpoints.get('console', 'the console')}; sign in as")
    for each in stack.operators:
        steps.add_row("", f"{each.sign_in:<16} {each.password:<22} {each.what}")
    steps.add_row("3", "Let half an hour pass: make forward BY=30m")
    steps.add_row("4", "The child is back: make text FROM=+447700900100 BODY=BACK, then text back the code that the")
    steps.add_row("", "reply asks for, such as BODY='BACK K7M2'. Until then the search goes on.")
    return steps
