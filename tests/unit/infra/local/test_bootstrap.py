"""The environment is made once, made again when it was left half-finished, and only from files with the pinned hashes."""

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from infra.local import bootstrap, pip_wheel


@pytest.fixture
def empty_clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone whose locks name nothing, so that installing takes no time."""
    for lock in ("requirements.lock", "build.lock"):
        (tmp_path / lock).write_text("")
    monkeypatch.setattr(bootstrap, "BUILD_LOCK", tmp_path / "build.lock")
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "LOCK", tmp_path / "requirements.lock")
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / ".venv" / "installed-from")
    monkeypatch.setattr(bootstrap, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    return tmp_path


def shell_script(file: Path, line: str) -> Path:
    file.write_text(f"#!/bin/sh\n{line}\n")
    file.chmod(0o755)
    return file


def test_an_environment_is_made_again_without_its_stamp_or_for_another_lock_and_else_left(empty_clone: Path) -> None:
    rubbish = empty_clone / ".venv" / "bin" / "half-finished"
    rubbish.parent.mkdir(parents=True)
    rubbish.touch()
    assert bootstrap.main() == 0
    assert not rubbish.exists()
    rubbish.touch()
    assert bootstrap.main() == 0
    assert rubbish.exists()
    (empty_clone / "requirements.lock").write_text("# changed\n")
    assert not bootstrap.is_ready()


def test_a_lock_that_cannot_be_installed_leaves_no_stamp_and_says_so(
    empty_clone: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def make_environment_whose_pip_fails() -> None:
        (empty_clone / ".venv" / "bin").mkdir(parents=True)
        shell_script(bootstrap.PYTHON, "exit 1")

    monkeypatch.setattr(bootstrap, "make_environment", make_environment_whose_pip_fails)
    assert bootstrap.main() == 1
    assert not bootstrap.is_ready()
    assert "pip could not install build.lock" in capfd.readouterr().err


def test_a_python_that_cannot_make_environments_is_told_what_to_install(
    empty_clone: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "executable", str(shell_script(empty_clone / "python", "exit 1")))
    assert bootstrap.main() == 1
    assert "install python3-venv" in capfd.readouterr().err


def test_ctrl_c_while_it_installs_is_said_in_a_line(
    empty_clone: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bootstrap, "install", interrupted)
    assert bootstrap.main() == 130
    assert not bootstrap.is_ready()
    assert capfd.readouterr().err.strip() == "Stopped before all was installed: the next `make` begins anew."


class Index(BaseHTTPRequestHandler):
    """A package index that offers another file under pip's name."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f'<a href="/{pip_wheel.WHEEL}#sha256=0">pip</a>'.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's word
        """Silent: what is asked for is not what this test looks at."""


@pytest.fixture
def lying_index() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Index) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


def test_another_pip_than_the_pinned_one_is_not_unpacked(
    lying_index: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", lying_index)
    with pytest.raises(OSError, match="nothing was installed"):
        pip_wheel.unpack_pip(tmp_path)
    assert list(tmp_path.iterdir()) == []
