"""Fixtures that every test may ask for, and which tests one worker runs alone."""

from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.support.engines.alone import AGAIN, GROUPS, GroupsAndTheRest, group_of
from tests.support.templates import compile_once

# A machine that is busy with other things says nothing about the code: hanging is what pytest's own time limit is for.
settings.register_profile("on any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("on any machine")

# Rich would draw each logged traceback with the locals of all its frames, which takes seconds.
plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])

compile_once()

pytest_plugins = [
    "tests.support.engines.alarm",
    "tests.support.engines.reports",
    "tests.support.engines.database",
    "tests.support.in_process.carers",
    "tests.support.in_process.console",
    "tests.support.engines.bus",
    "tests.support.outside.world",
    "tests.support.engines.observing",
    "tests.support.each_moment",
]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what is in a group, and puts the groups first, the longest before the others."""
    for item in items:
        if group_of(item.nodeid):
            item.add_marker("alone")
        if group_of(item.nodeid) == AGAIN:
            item.add_marker("again")
    order = (*GROUPS, None)
    items.sort(key=lambda item: order.index(group_of(item.nodeid)))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupsAndTheRest:
    return GroupsAndTheRest(config, log)


class Ending:
    """Says last what failed: where pytest itself breaks, it leaves its own summary out, and a log may keep its end alone."""

    def __init__(self) -> None:
        self._failed: list[str] = []
        self._broke: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            why = crash.message.partition("\n")[0] if crash else "no message"
            self._failed.append(f"{report.nodeid} ({report.when}): {why}")

    def pytest_internalerror(self, excrepr: object) -> None:
        self._broke.append("\n".join(str(excrepr).splitlines()[-12:]))

    def pytest_unconfigure(self) -> None:
        if self._broke:
            print(*reversed(self._broke), "pytest broke, after these had failed:", *self._failed, sep="\n")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Ending())
