"""When a test's time is over: the alarm of pytest-timeout, which alone would be lost or end the whole run.

It is one signal, and what it raises may come into anything. In a callback of asyncio, which swallows it, the test would
hang for ever; while pytest writes its report, the worker would end with an internal error, and xdist with it. So it is
repeated, and raises only inside of a test's own phases. pytest-timeout takes it back as soon as a test has failed: here
the teardown has the test's whole time once more.

That a worker is killed instead (`timeout_method = thread`, `faulthandler_exit_on_timeout`) is no way out: its Kafka and
its stack would live on, and xdist would give the same test to its successors, twelve times.
"""

import signal
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest
import pytest_timeout

AGAIN_SECONDS = 60.0
"""So long has what catches the first one to tidy up."""
_IN_PHASE = pytest.StashKey[bool]()


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> bool:
    def ring(*_: object) -> None:
        if item.stash.get(_IN_PHASE, False):
            pytest_timeout.timeout_sigalrm(item, settings)

    def cancel() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)

    item.cancel_timeout = cancel  # type: ignore[attr-defined] # where pytest-timeout looks for it
    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, settings.timeout, AGAIN_SECONDS)
    return True


@contextmanager
def _phase(item: pytest.Item) -> Generator[None]:
    item.stash[_IN_PHASE] = True
    try:
        yield
    finally:
        item.stash[_IN_PHASE] = False


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    with _phase(item):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    with _phase(item):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    settings = pytest_timeout._get_item_settings(item)
    if settings.timeout:
        pytest_timeout_set_timer(item, settings)
    with _phase(item):
        return (yield)
