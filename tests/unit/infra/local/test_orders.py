"""What is asked of a running Safe Return: texts as typed, orders in its settings; and of one that does not run, a sentence."""

import json
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from typer.testing import CliRunner, Result

from infra.local import __main__ as orders
from infra.local.processes.ports import FIXED
from infra.local.processes.run_lock import AlreadyRuns, RunLock
from infra.local.settings.layout import ROOT, Layout
from infra.local.settings.secret_files import SecretFiles, key
from infra.postgres import place
from infra.postgres.place import Place


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
    monkeypatch.setattr(place, "find", lambda folder: Place(Path("/none"), folder, None))
    return kept


def order(*words: str) -> Result:
    return CliRunner().invoke(orders.app, list(words))


@pytest.mark.parametrize(
    ("words", "service"),
    [
        (["accounts", "reset", "ada@kestrel.example"], "console"),
        (["accounts", "add", "ada", "--role", "operator", "--full-name", "Ada Ferris"], "console"),
        (["dead-letters"], "console"),
        (["police", "test", "westmark-police"], "police"),
        (["organisations", "put", "forces.json"], "casework"),
        (["authority-exit", "export", "kestrel"], "casework"),
        (["editions"], "protocol"),
        (["renew-keys", "carers"], "carers"),
        (["doctor", "police"], "police"),
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


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["services", "accounts", "--help"], ["accounts", "--help"]),
        (["services", "--help"], ["--help"]),
        (["audit", "gaps", "--help"], ["audit", "gaps", "--help"]),
    ],
)
def test_help_is_that_of_the_command_which_is_asked_for_it(
    running: Layout, given: list[tuple[list[str], dict[str, str]]], words: list[str], asked: list[str]
) -> None:
    assert order(*words).exit_code == 3, "as the command itself ends"
    assert [command for command, _ in given] == [asked]


@pytest.mark.parametrize("words", [["audit", "pack", "NGVRS"], ["services", "audit", "pack", "NGVRS"]])
def test_evidence_lies_beside_the_runs_other_files_unless_it_is_said_where(
    running: Layout, given: list[tuple[list[str], dict[str, str]]], words: list[str]
) -> None:
    order(*words)
    order(*words, "--folder", "/elsewhere")
    assert [command[-2:] for command, _ in given] == [
        ["--folder", str(running.folder / "evidence")],
        ["--folder", "/elsewhere"],
    ]


@pytest.mark.parametrize("command", ["authority-exit", "migrate", "accounts"])
def test_what_works_on_the_whole_database_reaches_it_as_its_administrator_and_nothing_else_does(
    running: Layout, given: list[tuple[list[str], dict[str, str]]], command: str
) -> None:
    order("services", command)
    password = SecretFiles(running.secrets).database_password("administrator")
    as_administrator = f"postgresql://postgres:{password}@127.0.0.1:{FIXED['postgres']}/safe_return"
    [(_, environment)] = given
    expected = None if command == "accounts" else as_administrator
    assert environment.get("SAFE_RETURN_ADMIN_DATABASE") == expected


@pytest.mark.parametrize("words", [[], ["run", "police"]])
def test_no_order_and_a_second_process_of_a_service_are_refused_with_an_example(
    running: Layout, given: list[tuple[list[str], dict[str, str]]], words: list[str]
) -> None:
    refused = order("services", *words)
    assert (refused.exit_code, given) == (2, [])
    assert 'make services DO="accounts reset NAME"' in refused.output


ASKED = [["forward", "30m"], ["audit", "gaps"], ["services", "accounts", "reset", "ada"], ["backup"]]


@pytest.mark.parametrize("words", [["text", "--sender", "+447700900100", "--body", "MISSING"], *ASKED], ids=str)
def test_after_a_run_was_killed_it_is_said_that_nothing_runs(layout: Layout, words: list[str]) -> None:
    """Its endpoints lie there still, and its lock is free."""
    refused = order(*words)
    assert refused.exit_code == 1
    assert refused.output.splitlines() == [
        "Safe Return does not run here: start it with `make run` in another terminal."
    ]


def test_asking_whether_it_runs_neither_takes_nor_frees_its_lock(running: Layout) -> None:
    asking = RunLock(running.run_lock)
    assert asking.is_held()
    with pytest.raises(AlreadyRuns):
        asking.take()


class Sandbox(BaseHTTPRequestHandler):
    """Takes every text."""

    taken: ClassVar[list[dict[str, str]]] = []

    def do_POST(self) -> None:
        self.taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(202)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's word
        """Silent."""


@pytest.fixture
def taken(running: Layout) -> Iterator[list[dict[str, str]]]:
    Sandbox.taken.clear()
    with HTTPServer(("127.0.0.1", 0), Sandbox) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        running.endpoints.write_text(json.dumps({"sandbox": f"http://127.0.0.1:{server.server_port}"}))
        yield Sandbox.taken
        server.shutdown()
        serving.join()


@pytest.mark.parametrize(
    "body", ["it's late", 'Where is GBP5 "ok" $HOME', "$(shell echo no) `ls` # 5 \\ $(", "two\nlines"]
)
def test_a_text_arrives_as_it_was_typed(taken: list[dict[str, str]], tmp_path: Path, body: str) -> None:
    """Through make and the shell: with the recipe as it stands, and a Python of the test's in the place of `.venv`'s."""
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    source = f"import sys; from pathlib import Path; from infra.local import __main__ as m; m.HOME = Path({str(tmp_path)!r}); m.app()"
    python.write_text(f'#!/bin/sh\nshift 2\nexec {sys.executable} -c {shlex.quote(source)} "$@"\n')
    python.chmod(0o755)
    command = ["make", f"VENV={tmp_path}/bin", "BOOTSTRAP=true", "text", "FROM=+447700900100", f"BODY={body}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, taken) == (0, [{"from": "+447700900100", "body": body}]), done.stdout + done.stderr


@pytest.mark.parametrize(
    ("sender", "body", "lacking"),
    [("", "MISSING", "FROM"), ("07700 900100", "MISSING", "FROM"), ("+447700900100", " ", "BODY")],
)
def test_what_a_text_lacks_is_said_with_an_example(
    taken: list[dict[str, str]], sender: str, body: str, lacking: str
) -> None:
    refused = CliRunner().invoke(orders.app, ["text"], env={"TEXT_FROM": sender, "TEXT_BODY": body})
    assert (refused.exit_code, taken) == (2, [])
    assert refused.output.startswith(f"{lacking} is missing")
    assert "make text FROM=+447700900100 BODY=MISSING" in refused.output


def test_a_sandbox_that_does_not_answer_is_said_in_a_sentence(running: Layout) -> None:
    running.endpoints.write_text(json.dumps({"sandbox": "http://127.0.0.1:1"}))
    refused = order("text", "--sender", "+447700900100", "--body", "MISSING")
    assert refused.exit_code == 1
    assert refused.output.startswith("The sandbox does not answer at http://127.0.0.1:1: ")


@pytest.mark.parametrize("is_key_there", [False, True])
def test_a_recovery_that_fails_leaves_the_database_in_its_place(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, *, is_key_there: bool
) -> None:
    files = layout.folder / "postgres" / "files"
    files.mkdir(parents=True)
    (files / "PG_VERSION").write_text("18")
    monkeypatch.setattr(place, "find", lambda _folder: Place(Path("/none"), files, None))
    if is_key_there:
        SecretFiles(layout.secrets).value("backup_key", key)
    assert order("recover", "--folder", str(layout.folder)).exit_code in {1, 2}, "there are no copies"
    assert [each.name for each in files.parent.iterdir()] == ["files"]
    assert (files / "PG_VERSION").read_text() == "18"


def test_a_restore_of_no_copy_is_refused_with_an_example() -> None:
    refused = order("run", "--copy", "")
    assert refused.exit_code == 2
    assert "make restore FROM=" in refused.output
