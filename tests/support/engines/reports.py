"""What tests report, in words that a worker of xdist can send: half a character, or a word of a kind of its own, would end
it with an internal error, and the whole run with it.
"""

from collections.abc import Generator
from typing import Any

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    return _sendable((yield))


def _sendable(part: Any) -> Any:
    if isinstance(part, str):
        return str.encode(part, "utf-8", "backslashreplace").decode()
    if isinstance(part, dict):
        return {_sendable(name): _sendable(value) for name, value in part.items()}
    if isinstance(part, list | tuple):
        return type(part)(_sendable(each) for each in part)
    return part
