"""Holds many cases in one test: every one is tried, and a failure names each that is wrong."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import pytest

T = TypeVar("T")


def try_each(cases: Iterable[T], wrong: Callable[[T], object]) -> None:
    """`wrong` raises, or returns what is wrong with a case. Fails where there is none to try."""
    tried, found = list(cases), list[str]()
    for case in tried:
        try:
            if said := wrong(case):
                found.append(f"{case}: {said}")
        except Exception as error:  # noqa: BLE001 the others are tried all the same
            found.append(f"{case}: {error!r}")
    if not tried:
        pytest.fail("there is no case to try")
    if found:
        pytest.fail("\n".join([f"{len(found)} of {len(tried)} are wrong:", *found]), pytrace=False)
