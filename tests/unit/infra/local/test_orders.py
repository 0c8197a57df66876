"""`make services DO="..."`: an order to what runs, with the settings and secrets that it runs with."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from infra.local import __main__ as orders
from infra.local.layout import Layout
from infra.local.ports import FIXED
from infra.local.run_lock import RunLock


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.setattr(orders, "HOME", tmp_path)
    layout = Layout(tmp_path)
    layout.make()
    layout.ports.write_text(json.dumps(FIXED))
    layout.endpoints.write_text(json.dumps({name: f"http://127.0.0.1:{port}" for name, port in FIXED.items()}))
    return layout


@pytest.fixture
def running(layout: Layout) -> Iterator[Layout]:
    lock = RunLock(layout.run_lock)
    lock.take()
    yield layout
    lock.release()


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, str]]]:
    """The orders that were given, each with its environment."""
    kept: list[tuple[list[str], dict[str, str]]] = []

    def run(command: list[str], *, env: dict[str, str], **_: Any) -> subprocess.CompletedProcess[str]:
        kept.append((command[3:], env))
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(subprocess, "run", run)
    return kept


def order(*words: str) -> Result:
    return CliRunner().invoke(orders.app, list(words))


@pytest.mark.parametrize(
    ("words", "service"),
    [
        (["accounts", "reset", "ada@kestrel.example"], "console"),
        (["accounts", "add", "ada", "--role", "operator", "--full-name", "Ada Ferris"], "console"),
        (["dead-letters", "--redrive", "all"], "console"),
        (["police", "test", "westmark-police"], "police"),
        (["renew-keys", "carers"], "carers"),
        (["audit", "gaps"], "audit"),
    ],
)
def test_an_order_has_the_secrets_of_the_service_that_gives_it(
    running: Layout, given: list[tuple[list[str], dict[str, str]]], words: list[str], service: str
) -> None:
    assert order("services", *words).exit_code == 3
    [(command, environment)] = given
    assert command == words
    assert environment["SAFE_RETURN_SECRETS_DIR"] == str(running.secrets / service)
    assert environment["SAFE_RETURN_DATABASE"] == f"postgresql://127.0.0.1:{FIXED['postgres']}/safe_return"


@pytest.mark.parametrize("words", [[], ["run", "police"]])
def test_no_order_and_a_second_process_of_a_service_are_refused_with_an_example(
    running: Layout, given: list[tuple[list[str], dict[str, str]]], words: list[str]
) -> None:
    refused = order("services", *words)
    assert (refused.exit_code, given) == (2, [])
    assert 'make services DO="accounts list"' in refused.output
