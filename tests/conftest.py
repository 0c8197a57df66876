"""Fixtures that every test may ask for, and which tests have the machine to themselves."""

import pytest
import structlog
from hypothesis import HealthCheck, settings

# A machine that is busy with other things says nothing about the code: hanging is what pytest's own time limit is for.
settings.register_profile("on any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("on any machine")

# Rich would draw each logged traceback with the locals of all its frames, which takes seconds.
plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])

pytest_plugins = [
    "tests.support.database",
    "tests.support.carers",
    "tests.support.console",
    "tests.support.bus",
    "tests.support.stack",
    "tests.support.world",
    "tests.support.observing",
]
SHARED = {"kafka", "stack", "hurt_stack"}
"""Fixtures that are costly, shared by all tests of one process, and quick to answer only on a quiet machine."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks `alone` whatever starts a Kafka or a stack, wherever its file lies."""
    for item in items:
        asks_for = SHARED.intersection(getattr(item, "fixturenames", ()))
        if asks_for or any(item.iter_markers("stack")) or any(item.iter_markers("crash")):
            item.add_marker("alone")
