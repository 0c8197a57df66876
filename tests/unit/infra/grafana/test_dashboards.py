"""The dashboards are what the code makes, as Grafana's own schemas want them, and tell whoever reads them what to do."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from infra.grafana.__main__ import FOLDER, differing
from infra.grafana.boards import BOARDS
from infra.grafana.panel import Board, Panel

ROOT = Path(__file__).parents[4]
SCHEMAS = ROOT.parent / "shared" / "data" / "grafana"
PANELS = [(board, panel) for board in BOARDS for panel in board.panels]


def named(each: object) -> str:
    return each.name if isinstance(each, Board) else each.title if isinstance(each, Panel) else ""


def schema(name: str) -> dict[str, Any]:
    file = SCHEMAS / f"{name}.jsonschema.json"
    if not file.exists():
        pytest.skip(f"Grafana's schemas are not here ({SCHEMAS})")
    return dict(json.loads(file.read_text()))


def made(board: Board) -> dict[str, Any]:
    return dict(json.loads((FOLDER / f"{board.name}.json").read_text()))


def test_the_files_are_what_the_code_makes() -> None:
    assert differing() == []


@pytest.mark.parametrize("board", BOARDS, ids=named)
def test_a_dashboard_is_as_grafana_wants_it(board: Board) -> None:
    faults = [error.message for error in Draft7Validator(schema("dashboard")).iter_errors(made(board))]
    assert faults == []


@pytest.mark.parametrize("board", BOARDS, ids=named)
def test_each_question_and_each_panel_s_options_are_as_grafana_wants_them(board: Board) -> None:
    query = Draft7Validator(schema("prometheus"))
    faults = []
    for panel in made(board)["panels"]:
        if panel["type"] in {"timeseries", "stat"}:
            options = Draft7Validator(schema(panel["type"]) | {"$ref": "#/definitions/Options"})
            faults += [error.message for error in options.iter_errors(panel["options"])]
        for target in panel.get("targets", []):
            faults += [error.message for error in query.iter_errors(target)]
    assert faults == []


@pytest.mark.parametrize(("board", "panel"), PANELS, ids=named)
def test_a_panel_says_what_it_shows_and_leads_to_a_runbook(board: Board, panel: Panel) -> None:
    assert panel.says.endswith(".")
    assert (ROOT / "docs" / "runbooks" / f"{panel.runbook}.md").exists()
    (link,) = next(each for each in made(board)["panels"] if each.get("title") == panel.title)["links"]
    assert link["url"] == f"/public/runbooks/{panel.runbook}.md"


@pytest.mark.parametrize(("board", "panel"), PANELS, ids=named)
def test_what_stays_is_named_and_not_what_tells_replicas_apart(board: Board, panel: Panel) -> None:
    """What each replica reads from the database must not count twice, and in Kubernetes replicas differ by more."""
    assert [each for each in panel.questions.values() if re.search(r"\bwithout\b", each)] == [], board.name


@pytest.mark.parametrize("board", BOARDS, ids=named)
def test_no_two_panels_lie_over_each_other_and_none_over_the_edge(board: Board) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in made(board)["panels"]:
        at = panel["gridPos"]
        assert at.get("x", 0) + at["w"] <= 24
        cells = {
            (x, y)
            for x in range(at.get("x", 0), at.get("x", 0) + at["w"])
            for y in range(at.get("y", 0), at.get("y", 0) + at["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
