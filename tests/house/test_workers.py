"""A test whose time is over fails, wherever it is just then, and what it reports can be sent. Else the whole run ends with it."""

import subprocess
import sys
from pathlib import Path

from infra.local.settings.environment import bare
from infra.local.settings.layout import ROOT

HANGS = """
import asyncio
import time

import pytest
from tests.support.engines import alarm

alarm.AGAIN_SECONDS = 1.0


@pytest.fixture
def ends_late():
    yield
    time.sleep(600)


async def test_in_a_callback():
    asyncio.get_running_loop().call_soon(time.sleep, 600)
    await asyncio.sleep(600)


def test_in_the_teardown_of_one_that_failed(ends_late):
    assert False


def test_whose_report_takes_long():
    pass


def test_after_them():
    pass
"""
SLOW = """
import time

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    if "whose_report" in item.name and call.when == "call":
        time.sleep(6)
    return (yield)
"""


UNSENDABLE = """
import logging
from enum import StrEnum

import pytest


def test_half_a_character_in_a_log():
    logging.getLogger("x").error("a\\ud800")


def test_half_a_character_in_a_failure():
    raise ValueError("a\\ud800")


def test_a_word_of_a_kind_of_its_own():
    pytest.xfail(StrEnum("Word", ["ONE"]).ONE)
"""
TELLS = ("PASSED test_", "FAILED test_", "ERROR test_", "XFAIL test_", "INTERNALERROR")


def ends(folder: Path, *options: str) -> set[str]:
    """How the tests of the folder's module end, run with what the tests here are run with."""
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\ntimeout = 5\n")
    plugins = ("tests.support.engines.alarm", "tests.support.engines.reports", "no:cacheprovider", "no:schemathesis")
    named = [option for each in plugins for option in ("-p", each)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *named, *options, "-rA"],
        cwd=folder, env=bare() | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=250,
    )  # fmt: skip
    told = {line.partition(" - ")[0] for line in done.stdout.splitlines() if line.startswith(TELLS)}
    return {each.replace("test_it.py::", "") for each in told}


def test_an_alarm_is_heard_in_the_end_and_raises_nothing_between_the_phases(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(SLOW)
    (tmp_path / "test_it.py").write_text(HANGS)
    assert ends(tmp_path) == {
        "FAILED test_in_a_callback",
        "FAILED test_in_the_teardown_of_one_that_failed",
        "ERROR test_in_the_teardown_of_one_that_failed",
        "PASSED test_whose_report_takes_long",
        "PASSED test_after_them",
    }


def test_whatever_a_test_says_reaches_the_run(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(UNSENDABLE)
    assert ends(tmp_path, "--numprocesses", "1", "-o", "timeout=100") == {
        "PASSED test_half_a_character_in_a_log",
        "FAILED test_half_a_character_in_a_failure",
        "XFAIL test_a_word_of_a_kind_of_its_own",
    }
