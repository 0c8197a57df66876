"""The tests that one worker runs, one after another, while the others run the rest: what starts a stack, and what has to be quick.
And those with a Kafka, which one worker runs as well: it may be another.
"""

import os

import pytest
from xdist.scheduler import LoadFileScheduling

PLACES = (
    "tests/chaos/",
    "tests/cluster/",
    "tests/contract/test_openapi_holds.py",
    "tests/e2e/",
    "tests/kafka/test_clock_on_time.py",
    "tests/integration/carers/test_spool.py",
    "tests/integration/carers/test_unreadable_texts.py",
    "tests/integration/console/test_pages_browser.py",
    "tests/integration/console/test_staff_browser.py",
    "tests/integration/delivery/test_lanes.py",
    "tests/integration/delivery/test_worker.py",
)

WITH_KAFKA = "tests/kafka/"


def is_alone(nodeid: str) -> bool:
    return nodeid.startswith((*PLACES, WITH_KAFKA))


def group_of(nodeid: str) -> str | None:
    """`a stack` or `a kafka`: what one worker runs as if it were one file, in this order; None of the rest."""
    if nodeid.startswith(PLACES):
        return "a stack"
    return "a kafka" if nodeid.startswith(WITH_KAFKA) else None


def require_alone() -> None:
    """Fails a test that starts something big in a worker beside the one that may."""
    if "PYTEST_XDIST_WORKER" in os.environ and not is_alone(os.environ["PYTEST_CURRENT_TEST"]):
        pytest.fail("this starts a Kafka or a stack: name its file in tests/support/engines/alone.py")


class AloneAndTheRest(LoadFileScheduling):  # type: ignore[misc] # xdist's types are not exported
    """Deals the files out to the workers: the groups first, as if each were one file."""

    def _split_scope(self, nodeid: str) -> str:
        # By places, since a scheduler knows no marks: `--dist loadgroup` of xdist 3.8 is broken by pytest 9.2.
        return group_of(nodeid) or str(super()._split_scope(nodeid))
