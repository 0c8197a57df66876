"""Fixtures that every test may ask for."""

pytest_plugins = [
    "tests.support.database",
    "tests.support.carers",
    "tests.support.console",
    "tests.support.bus",
    "tests.support.stack",
    "tests.support.world",
    "tests.support.observing",
]
