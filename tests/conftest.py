"""Fixtures that every test may ask for."""

from hypothesis import HealthCheck, settings

# A machine that is busy with other things says nothing about the code: hanging is what pytest's own time limit is for.
settings.register_profile("on any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("on any machine")

pytest_plugins = [
    "tests.support.database",
    "tests.support.carers",
    "tests.support.console",
    "tests.support.bus",
    "tests.support.stack",
    "tests.support.world",
    "tests.support.observing",
]
