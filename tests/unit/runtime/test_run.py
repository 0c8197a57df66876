"""Tests how a service is begun."""

import asyncio
import gc
import importlib
from types import SimpleNamespace

import pytest

from services.run import run_service


def test_garbage_is_looked_for_neither_while_a_service_is_imported_nor_in_what_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[bool, bool]] = []

    async def main() -> None:
        seen.append((gc.isenabled(), gc.get_freeze_count() > 0))

    def imported(_: str) -> SimpleNamespace:
        seen.append((gc.isenabled(), gc.get_freeze_count() > 0))
        return SimpleNamespace(main=main)

    monkeypatch.setattr(importlib, "import_module", imported)
    monkeypatch.setattr(asyncio, "set_event_loop_policy", lambda _: None)
    gc.unfreeze()
    try:
        run_service("clock")
    finally:
        gc.unfreeze()
        gc.enable()
    assert seen == [(False, False), (True, True)]
