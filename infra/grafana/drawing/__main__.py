"""Asks a Prometheus what each board asks, and draws the boards into `.local/boards`, as PNG."""

import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
import typer

from infra.grafana.__main__ import FOLDER

HERE = Path(__file__).parent
HOME = HERE.parents[2] / ".local" / "boards"
WIDTH, ROW_HEIGHT = 1600, 38
POINTS = 200
LOADERS = ("--loader:.ttf=empty", "--loader:.svg=empty")
DEFINED = ("--define:global=globalThis", '--define:process.env.NODE_ENV="production"')
PAGE = """<!doctype html><meta charset="utf-8"><style>body {{ margin: 0; font: 14px Inter, sans-serif }}</style>
<link rel="stylesheet" href="board.css"><div id="board"></div><script>window.drawn = {drawn}</script><script src="board.js"></script>"""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def draw_boards(
    prometheus: Annotated[str, typer.Option(help="The address of a Prometheus that scrapes the services")],
    hours: Annotated[float, typer.Option(help="How far back lines go")] = 0.25,
    colours: Annotated[str, typer.Option(help="dark or light")] = "dark",
) -> None:
    """Draws every board."""
    build()
    with httpx.Client(base_url=prometheus, trust_env=False, timeout=60) as http:
        for file in sorted(FOLDER.glob("*.json")):
            board = json.loads(file.read_text())
            until = time.time()
            for panel in board["panels"]:
                panel["series"] = [
                    each for target in panel.get("targets", []) for each in ask(http, panel, target, until, hours)
                ]
            typer.echo(picture(board, until, hours, "light" if colours == "light" else "dark"))


def build() -> None:
    """Bundles Grafana's parts; fetches them with npm the first time (a minute, 420 MB)."""
    HOME.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "board.jsx"):
        shutil.copy(HERE / name, HOME / name)
    if not (HOME / "node_modules").exists():
        install = ("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps", "--silent")
        subprocess.run(install, cwd=HOME, check=True)
    bundle = ("node_modules/.bin/esbuild", "board.jsx", "--bundle", "--outfile=board.js", "--log-level=error")
    subprocess.run((*bundle, *LOADERS, *DEFINED), cwd=HOME, check=True)


def ask(
    http: httpx.Client, panel: dict[str, Any], target: dict[str, Any], until: float, hours: float
) -> list[dict[str, Any]]:
    """The series of one question: legend and points. Grafana's variables are filled in as it would."""
    question = target["expr"].replace("$authority", ".*").replace("$__rate_interval", "1m")
    if panel["type"] == "timeseries":
        over = {"query": question, "start": until - hours * 3600, "end": until, "step": hours * 3600 / POINTS}
        answer = http.get("/api/v1/query_range", params=over).json()
    else:
        answer = http.get("/api/v1/query", params={"query": question, "time": until}).json()
    if answer["status"] != "success":
        raise typer.BadParameter(f"{panel['title']}: {answer['error']}")

    def named(labels: dict[str, str]) -> str:
        return re.sub(r"{{(\w+)}}", lambda found: labels.get(found[1], ""), target["legendFormat"])

    rows = answer["data"]["result"]
    return [{"legend": named(row["metric"]), "points": row.get("values") or [row["value"]]} for row in rows]


def picture(board: dict[str, Any], until: float, hours: float, colours: Literal["dark", "light"]) -> Path:
    drawn = {"board": board, "colours": colours, "from": until - hours * 3600, "to": until, "width": WIDTH}
    page, made = HOME / f"{board['uid']}.html", HOME / f"{board['uid']}.png"
    page.write_text(PAGE.format(drawn=json.dumps(drawn)))
    tallest = max(panel["gridPos"].get("y", 0) + panel["gridPos"]["h"] for panel in board["panels"])
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += [f"--screenshot={made}", f"--window-size={WIDTH},{tallest * ROW_HEIGHT}", "--virtual-time-budget=5000"]
    subprocess.run([*command, page.as_uri()], check=True, capture_output=True)
    return made


if __name__ == "__main__":
    app()
