"""The tests that one worker runs, one after another, while the others run the rest: what starts a Kafka or a stack, and what has to be quick."""

import os

import pytest
from xdist.scheduler import LoadFileScheduling

PLACES = (
    "tests/chaos/",
    "tests/cluster/",
    "tests/contract/test_openapi_holds.py",
    "tests/contract/test_register_document.py",
    "tests/e2e/",
    "tests/kafka/",
    "tests/integration/carers/test_spool.py",
    "tests/integration/carers/test_unreadable_texts.py",
    "tests/integration/console/test_pages_browser.py",
    "tests/integration/console/test_staff_browser.py",
    "tests/integration/delivery/test_lanes.py",
    "tests/integration/delivery/test_worker.py",
)


def is_alone(nodeid: str) -> bool:
    return nodeid.startswith(PLACES)


def require_alone() -> None:
    """Fails a test that starts something big in a worker beside the one that may."""
    if "PYTEST_XDIST_WORKER" in os.environ and not is_alone(os.environ["PYTEST_CURRENT_TEST"]):
        pytest.fail("this starts a Kafka or a stack: name its file in tests/support/engines/alone.py")


class AloneAndTheRest(LoadFileScheduling):  # type: ignore[misc] # xdist's types are not exported
    """Deals the files out to the workers, and what has to be alone to one of them, as if it were one file."""

    def _split_scope(self, nodeid: str) -> str:
        # By places, since a scheduler knows no marks: `--dist loadgroup` of xdist 3.8 is broken by pytest 9.2.
        return "alone" if is_alone(nodeid) else str(super()._split_scope(nodeid))
