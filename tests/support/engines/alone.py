"""The tests that start a stack or a Kafka, or that have to be quick: in groups, of which each is one worker's, one test after another.

The longest group comes first. What is in none is dealt out file by file to whoever is free.
"""

import os

import pytest
from xdist.scheduler import LoadFileScheduling

GROUPS = {
    "services that die": ("tests/chaos/",),
    "a stack": (
        "tests/cluster/",
        "tests/contract/test_openapi_holds.py",
        "tests/core/",
        "tests/e2e/",
        "tests/kafka/test_clock_on_time.py",
        "tests/integration/carers/test_spool.py",
        "tests/integration/carers/test_unreadable_texts.py",
        "tests/integration/console/test_pages_browser.py",
        "tests/integration/console/test_staff_browser.py",
        "tests/integration/delivery/test_lanes.py",
        "tests/integration/delivery/test_worker.py",
    ),
    "stories in moved time": ("tests/e2e/test_while_time_moves.py",),
    "a kafka": ("tests/kafka/",),
}
"""The places of each. Where two hold a file, it is in the group that names more of its path."""


AGAIN = "a kafka"
"""The group that `make test-again` runs. Of the others it runs what is marked."""


def group_of(nodeid: str) -> str | None:
    """None of the rest."""
    lengths = {len(place): group for group, places in GROUPS.items() for place in places if nodeid.startswith(place)}
    return lengths[max(lengths)] if lengths else None


def require_alone() -> None:
    """Fails a test that starts something big in a worker that may not."""
    if "PYTEST_XDIST_WORKER" in os.environ and group_of(os.environ["PYTEST_CURRENT_TEST"]) is None:
        pytest.fail("this starts a Kafka or a stack: name its file in tests/support/engines/alone.py")


class GroupsAndTheRest(LoadFileScheduling):  # type: ignore[misc] # xdist's types are not exported
    """Deals the files out to the workers: the groups first, as if each were one file."""

    def _split_scope(self, nodeid: str) -> str:
        # By places, since a scheduler knows no marks: `--dist loadgroup` of xdist 3.8 is broken by pytest 9.2.
        return group_of(nodeid) or str(super()._split_scope(nodeid))
