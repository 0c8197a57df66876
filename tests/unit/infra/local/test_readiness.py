"""Waiting for programs: what is not ready is named as long as it lasts."""

import itertools
import threading
import time

import pytest

from infra.local.processes import readiness

AUDIT = {"audit": "http://127.0.0.1:1/"}


@pytest.fixture
def slow_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the clock is eight seconds after the last."""
    ticks = itertools.count(step=8)
    monkeypatch.setattr(time, "monotonic", lambda: float(next(ticks)))
    monkeypatch.setattr(readiness, "EVERY_SECONDS", 0)


@pytest.mark.usefixtures("slow_clock")
def test_what_is_waited_for_is_said_until_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "obstacles", lambda urls, **_: dict.fromkeys(urls, "no answer"))
    said: list[str] = []
    with pytest.raises(readiness.NotReady, match="audit is not ready: no answer"):
        readiness.wait(AUDIT, 1, 150, stopping=threading.Event(), lost=lambda: "", say=said.append)
    assert said
    assert set(said) == {"still waiting for audit"}


@pytest.mark.usefixtures("slow_clock")
def test_nothing_is_said_where_all_answer_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "obstacles", lambda _urls, **_: {})
    said: list[str] = []
    readiness.wait(AUDIT, 1, 150, stopping=threading.Event(), lost=lambda: "", say=said.append)
    assert said == []


@pytest.mark.usefixtures("slow_clock")
def test_who_is_ready_is_asked_again_only_when_all_have_been(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[set[str]] = []
    lacking = iter([{"clock"}, {"clock"}, set(), {"audit"}, set(), set()])

    def obstacles(urls: dict[str, str], **_: object) -> dict[str, str]:
        asked.append(set(urls))
        return dict.fromkeys(next(lacking), "no answer")

    monkeypatch.setattr(readiness, "obstacles", obstacles)
    urls = AUDIT | {"clock": "http://127.0.0.1:2/"}
    readiness.wait(urls, 1, 150, stopping=threading.Event(), lost=lambda: "")
    assert asked == [set(urls), {"clock"}, {"clock"}, set(urls), {"audit"}, set(urls)]
