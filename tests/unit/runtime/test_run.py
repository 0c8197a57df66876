"""Tests how a service is begun."""

import asyncio
import gc
import importlib
from types import SimpleNamespace

import pytest

from services import run
from services.platform.option import Option
from services.run import OPTIONS, fit_options, run_service


def test_garbage_is_looked_for_neither_while_a_service_is_imported_nor_in_what_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[bool, bool]] = []

    async def main(options: list[Option]) -> None:
        assert options == []
        seen.append((gc.isenabled(), gc.get_freeze_count() > 0))

    def imported(_: str) -> SimpleNamespace:
        seen.append((gc.isenabled(), gc.get_freeze_count() > 0))
        return SimpleNamespace(main=main)

    monkeypatch.setattr(run, "fit_options", list)
    monkeypatch.setattr(importlib, "import_module", imported)
    monkeypatch.setattr(asyncio, "set_event_loop_policy", lambda _: None)
    gc.unfreeze()
    try:
        run_service("clock")
    finally:
        gc.unfreeze()
        gc.enable()
    assert seen == [(False, False), (True, True)]


@pytest.mark.parametrize(
    ("said", "names"),
    [("", list(OPTIONS)), ("none", []), (" returns  polled-forces", ["returns", "polled-forces"])],
)
def test_a_process_has_the_options_that_are_named(monkeypatch: pytest.MonkeyPatch, said: str, names: list[str]) -> None:
    monkeypatch.setenv("SAFE_RETURN_OPTIONS", said)
    assert [each.name for each in fit_options()] == names
    monkeypatch.delenv("SAFE_RETURN_OPTIONS")
    assert [each.name for each in fit_options()] == list(OPTIONS)


def test_an_unknown_option_is_refused_with_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAFE_RETURN_OPTIONS", "returns retruns")
    with pytest.raises(SystemExit, match=r"SAFE_RETURN_OPTIONS: retruns: there are exercise-reports, .*returns"):
        fit_options()
