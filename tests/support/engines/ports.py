"""Ports for what a test starts."""

import itertools
import os
import random

from infra.local.processes.ports import is_free

RANGE = range(30_000, 32_768)
"""Above what `infra.local.processes.ports` gives to a stack, and below the ephemeral range, from which any connection may take one."""


def free_port() -> int:
    """A port on which nobody listens, and which no other worker of pytest-xdist is given. It comes again only after all others."""
    return next(port for port in _ports if is_free(port))


def _own() -> range:
    """Each worker's part of the range: two that look for a port at the same moment find different ones."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    return RANGE[worker % workers :: workers]


_ports = itertools.cycle(random.sample(_own(), len(_own())))
