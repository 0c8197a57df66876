"""Everything has a port of its own, and the same from run to run."""

import fcntl
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.processes import ports


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", ports.any_free([])))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_in_use_is_replaced_and_that_is_said(
    tmp_path: Path, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ports.FIXED, "console", taken)
    said: list[str] = []
    chosen = ports.choose(tmp_path / "ports.json", ["console"], fixed=True, say=said.append)
    assert chosen["console"] != taken
    assert said == [f"port {taken} is in use by another program: console takes {chosen['console']}"]


def test_a_port_that_another_run_has_chosen_and_not_opened_yet_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attack 15: two started together shared their ports, since replicas may."""
    port = ports.any_free([])
    monkeypatch.setitem(ports.FIXED, "console", port)
    monkeypatch.setattr(ports, "CLAIMS", tmp_path / "claims")  # one that runs beside these tests may have claimed it
    ports.CLAIMS.mkdir()
    with (ports.CLAIMS / str(port)).open("w") as theirs:
        fcntl.flock(theirs, fcntl.LOCK_EX)
        chosen = ports.choose(tmp_path / "ports.json", ["console"], fixed=True, say=print)
    assert chosen["console"] != port


def test_a_second_run_has_the_first_ones_ports(tmp_path: Path) -> None:
    names = ["console", "carers", "kafka"]
    first = ports.choose(tmp_path / "ports.json", names, fixed=False, say=print)
    assert ports.choose(tmp_path / "ports.json", reversed(names), fixed=False, say=print) == first


def test_no_two_programs_share_a_port_and_none_is_ephemeral(tmp_path: Path) -> None:
    names = [f"program-{number}" for number in range(200)]
    chosen = ports.choose(tmp_path / "ports.json", names, fixed=False, say=print)
    assert len(set(chosen.values())) == 200
    assert max(chosen.values()) < 32768


def test_a_person_finds_everything_where_the_table_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in ("is_free", "claim"):
        monkeypatch.setattr(ports, each, lambda _port: True)
    assert ports.choose(tmp_path / "ports.json", ports.FIXED, fixed=True, say=print) == ports.FIXED
