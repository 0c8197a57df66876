"""The dashboards are what the code makes, as Grafana's own schemas want them, and tell whoever reads them what to do."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from infra.grafana.__main__ import FOLDER, differing
from infra.grafana.boards import BOARDS
from infra.grafana.boards.children_missing_now import AGES
from infra.grafana.panel import Board, Panel
from infra.grafana.renderer import COLOUR_OF_UNKNOWN, NOT_KNOWN
from services.console import metrics

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


def drawn(board: Board, panel: Panel) -> dict[str, Any]:
    return next(dict(each) for each in made(board)["panels"] if each.get("title") == panel.title)


NUMBERS = [(board, panel) for board, panel in PANELS if panel.kind == "number"]
BARS = [(board, panel) for board, panel in PANELS if panel.kind == "bars"]
COUNTS_MORE_AS_WORSE = {"green": 0, "orange": 1, "red": 2}


@pytest.mark.parametrize(("board", "panel"), NUMBERS + BARS, ids=named)
def test_what_is_not_known_has_a_colour_of_its_own(board: Board, panel: Panel) -> None:
    defaults = drawn(board, panel)["fieldConfig"]["defaults"]
    [unknown] = [each["options"] for each in defaults["mappings"] if each["type"] == "special"]
    assert (unknown["match"], unknown["result"]["color"]) == ("null+nan", COLOUR_OF_UNKNOWN)
    assert NOT_KNOWN in unknown["result"]["text"]
    assert COLOUR_OF_UNKNOWN not in {step["color"] for step in defaults["thresholds"]["steps"]}
    assert NOT_KNOWN in defaults["noValue"]
    assert defaults["color"]["mode"] == "thresholds"


@pytest.mark.parametrize(("board", "panel"), PANELS, ids=named)
def test_colours_run_from_good_to_bad_or_from_bad_to_good(board: Board, panel: Panel) -> None:
    """Without limits nothing is praised; limits that rise from green never come back to it."""
    steps = drawn(board, panel)["fieldConfig"]["defaults"]["thresholds"]["steps"]
    colours = [step["color"] for step in steps]
    if not panel.limits:
        assert colours == ["blue"]
        return
    ranks = [COUNTS_MORE_AS_WORSE[each] for each in colours if each != "blue"]
    assert ranks in (sorted(ranks), sorted(ranks, reverse=True))
    values = [step["value"] for step in steps[1:]]
    assert steps[0].get("value") is None
    assert values == sorted(values)


@pytest.mark.parametrize(("board", "panel"), NUMBERS + BARS, ids=named)
def test_a_share_is_judged_and_its_bar_ends_at_the_whole(board: Board, panel: Panel) -> None:
    defaults = drawn(board, panel)["fieldConfig"]["defaults"]
    if panel.unit == "percentunit":
        assert (panel.base, panel.limits[-1][1]) == ("red", "green")
        assert panel.kind != "bars" or defaults["max"] == 1


def test_children_who_are_missing_are_never_green() -> None:
    board, panel = next((board, panel) for board, panel in PANELS if panel.title == "Children not back")
    steps = drawn(board, panel)["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step.get("value"), step["color"]) for step in steps] == [(None, "blue"), (1, "orange")]


@pytest.mark.parametrize(("board", "panel"), BARS, ids=named)
def test_the_greatest_bars_are_shown_or_all_in_their_order(board: Board, panel: Panel) -> None:
    asked = [target["expr"] for target in drawn(board, panel)["targets"]]
    if isinstance(panel.ask, str):
        assert asked == [f"sort_desc(topk(10, {panel.ask} > 0))"]
    else:
        assert (asked, len(asked) <= 8) == (list(panel.ask.values()), True)


def test_the_ages_of_open_episodes_are_those_that_are_counted() -> None:
    written = Path(metrics.__file__).with_name("gauges.yaml").read_text()
    assert ", ".join(f"'{age}'" for age in AGES) in written


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
