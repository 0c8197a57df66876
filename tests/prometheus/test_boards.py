"""No board shows a number that nobody has measured: a real Prometheus that scrapes nothing is asked."""

from pathlib import Path

from infra.grafana.boards import BOARDS
from tests.support.engines.observing import prometheus


def asked(question: str) -> str:
    return question.replace("$authority", ".*").replace("$__rate_interval", "1m")


def test_of_an_empty_prometheus_no_panel_shows_anything(tmp_path: Path) -> None:
    questions = [
        (f"{board.name}: {panel.title}", asked(question))
        for board in BOARDS
        for panel in board.panels
        for question in panel.shown.values()
        if panel.title != "Alerts that fire"  # what is absent fires, and is shown
    ]
    assert len(questions) > 100
    with prometheus(tmp_path, {}) as one:
        assert {name: rows for name, question in questions if (rows := one.rows(question))} == {}
