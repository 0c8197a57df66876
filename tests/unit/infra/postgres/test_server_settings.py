"""What PostgreSQL may log, on each way of running it, and how often a single server makes a checkpoint."""

from pathlib import Path

import yaml

from infra.postgres.place import Place
from infra.postgres.server import CHECKPOINTS, SETTINGS, Server
from tests.support.guide import read_guide

ROOT = Path(__file__).parents[4]
SILENT = {"log_min_error_statement": "panic", "log_error_verbosity": "terse", "log_parameter_max_length_on_error": "0"}
"""An error is logged without the statement, its values, and the row or the value that its details quote."""


def test_postgresql_logs_no_statement_value_or_row_wherever_it_runs() -> None:
    command = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["postgres"]["command"]
    chart = (ROOT / "infra/chart/templates/engines.yaml").read_text().replace('"', "")
    told = read_guide()
    for name, value in SILENT.items():
        assert SETTINGS[name] == value
        assert f"{name}={value}" in command
        assert f"{name}: {value}" in chart
        assert f"`{name} = {value}`" in told, "for whoever runs a PostgreSQL that is not ours"


def test_a_single_server_makes_few_checkpoints_wherever_it_runs() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["postgres"]["command"]
    ours = Server(Place(ROOT, ROOT, None), 1, "password").command
    told = read_guide()
    for name, value in CHECKPOINTS.items():
        assert f"{name}={value}" in compose
        assert f"{name}={value}" in ours
        assert f"`{name} = {value}`" in told
