"""The sandbox as the process that `make run` starts."""

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.support.outside.sandbox import FORCE, outside_config


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    path = tmp_path / "sandbox.json"
    path.write_text(outside_config("http://127.0.0.1:9").model_dump_json(by_alias=True))
    return path


def start(config_file: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "infra.sandbox", "--config", str(config_file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def wait_until_ready(port: int) -> None:
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=30).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail("the sandbox was not ready within 60 s")


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_exit_code_0_though_a_caller_is_being_kept_waiting(
    config_file: Path, stop: signal.Signals
) -> None:
    port = json.loads(config_file.read_text())["http_port"]
    with start(config_file) as process:
        wait_until_ready(port)
        httpx.put(
            f"http://127.0.0.1:{port}/behaviours/desks/{FORCE}", json={"mode": "silent"}, timeout=30
        ).raise_for_status()
        with socket.create_connection(("127.0.0.1", port)) as caller:
            caller.sendall(f"POST /desks/{FORCE}/notices HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
            time.sleep(0.3)
            process.send_signal(stop)
            output, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert output == b""


def test_a_config_with_a_wrong_field_names_it(config_file: Path) -> None:
    config = json.loads(config_file.read_text()) | {"account_sid": "not an account"}
    config_file.write_text(json.dumps(config))
    with start(config_file) as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert b"account_sid" in output
