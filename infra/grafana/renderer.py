"""Renders a board as Grafana's JSON, with Grafana's own builders."""

import json
from typing import Any

from grafana_foundation_sdk.builders import bargauge, common, prometheus, stat, timeseries
from grafana_foundation_sdk.builders import dashboard as grafana
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models

from infra.grafana.panel import WIDTH, Board, Panel

SOURCE = models.DataSourceRef(type_val="prometheus", uid="prometheus")
RUNBOOKS = "/public/runbooks"
"""Grafana serves the pages of `docs/runbooks/` itself (docker-compose.yml)."""
QUERIES = "ABCDEFGH"
NOT_KNOWN, COLOUR_OF_UNKNOWN = "not known", "purple"
NO_BARS = "none, or not known"
DEPLOYMENTS = (
    "count by (service, version) (process_build_info) unless count by (service, version) (process_build_info offset 2m)"
)
"""A version of a service that did not run two minutes before."""


def rendered(board: Board) -> str:
    """Ends with a line break."""
    return json.dumps(_plain(board), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _plain(board: Board) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(JSONEncoder(sort_keys=True).encode(_dashboard(board).build()))
    return document


def _dashboard(board: Board) -> grafana.Dashboard:
    made = (
        grafana.Dashboard(board.title)
        .uid(board.name)
        .description(board.says)
        .tags(["safe-return"])
        .time(f"now-{board.since}", "now")
        .timezone("Europe/London")
        .refresh("10s")
        .annotation(_deployments())
        .link(grafana.DashboardLink("Safe Return").type(models.DashboardLinkType.DASHBOARDS).tags(["safe-return"]))
    )
    for name, metric in board.chooses.items():
        made = made.with_variable(_variable(name, metric))
    y = 0
    for row in board.rows:
        made = made.with_row(grafana.Row(row.title).grid_pos(models.GridPos(h=1, w=WIDTH, x=0, y=y)))
        y += 1
        x, tallest = 0, 0
        for panel in row.panels:
            if x + panel.width > WIDTH:
                x, y, tallest = 0, y + tallest, 0
            at = models.GridPos(h=panel.height, w=panel.width, x=x, y=y)
            made = made.with_panel(_panel(panel, at))
            x, tallest = x + panel.width, max(tallest, panel.height)
        y += tallest
    return made


def _deployments() -> grafana.AnnotationQuery:
    made = grafana.AnnotationQuery().name("Deployments").datasource(SOURCE).enable(enable=True).icon_color("blue")
    return made.expr(DEPLOYMENTS)


def _variable(name: str, metric: str) -> grafana.QueryVariable:
    return (
        grafana.QueryVariable(name)
        .label(name.capitalize())
        .datasource(SOURCE)
        .query(f"label_values({metric}, {name})")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .include_all(include_all=True)
        .all_value(".*")
        .current(models.VariableOption(text="All", value="$__all"))
        .multi(multi=True)
    )


def _panel(panel: Panel, at: models.GridPos) -> Any:
    now = panel.kind in {"number", "bars"}
    made: Any = {"number": _number, "bars": _bars, "lines": _lines, "stack": _stack}[panel.kind]()
    made = (
        made.title(panel.title)
        .description(panel.says)
        .datasource(SOURCE)
        .unit(panel.unit)
        .grid_pos(at)
        .links([grafana.DashboardLink("Runbook").url(f"{RUNBOOKS}/{panel.runbook}.md").target_blank(target_blank=True)])
        .thresholds(_limits(panel))
        .color_scheme(_colours(panel))
    )
    if now:
        text = NOT_KNOWN if panel.kind == "number" else NO_BARS
        made = made.no_value(text).mappings([_without_value(text)])
    if panel.kind == "bars" and panel.unit == "percentunit":
        made = made.max(1)
    for letter, (legend, asked) in zip(QUERIES, panel.shown.items(), strict=False):
        query = (
            prometheus.Dataquery().expr(asked).legend_format(legend or panel.title).ref_id(letter).datasource(SOURCE)
        )
        made = made.with_target(query.instant() if now else query.range())
    return made


def _limits(panel: Panel) -> grafana.ThresholdsConfig:
    steps = [models.Threshold(value, color) for value, color in panel.steps]
    return grafana.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)


def _colours(panel: Panel) -> grafana.FieldColor:
    over_time = panel.kind in {"lines", "stack"}
    mode = models.FieldColorModeId.PALETTE_CLASSIC if over_time else models.FieldColorModeId.THRESHOLDS
    return grafana.FieldColor().mode(mode)


def _without_value(text: str) -> models.SpecialValueMap:
    """Else Grafana shows what has no value in the lowest colour, which is green at times."""
    shown = models.ValueMappingResult(text=text, color=COLOUR_OF_UNKNOWN, index=0)
    options = models.DashboardSpecialValueMapOptions(match=models.SpecialValueMatch.NULL_AND_NAN, result=shown)
    return models.SpecialValueMap(options=options)


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False)


def _number() -> stat.Panel:
    return stat.Panel().reduce_options(_last()).graph_mode(common_models.BigValueGraphMode.NONE)


def _bars() -> bargauge.Panel:
    return bargauge.Panel().reduce_options(_last()).orientation(common_models.VizOrientation.HORIZONTAL).min(0)


def _lines() -> timeseries.Panel:
    style = common.GraphThresholdsStyleConfig().mode(common_models.GraphThresholdsStyleMode.LINE)
    return _over_time().thresholds_style(style)


def _stack() -> timeseries.Panel:
    stacking = common.StackingConfig().mode(common_models.StackingMode.NORMAL)
    return _over_time().fill_opacity(40).stacking(stacking)


def _over_time() -> timeseries.Panel:
    """The pointer shows every line's value at its moment, the greatest first."""
    legend = (
        common.VizLegendOptions()
        .display_mode(common_models.LegendDisplayMode.LIST)
        .placement(common_models.LegendPlacement.BOTTOM)
        .show_legend(show_legend=True)
        .calcs([])
    )
    tooltip = common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI)
    return timeseries.Panel().min(0).legend(legend).tooltip(tooltip.sort(common_models.SortOrder.DESCENDING))
