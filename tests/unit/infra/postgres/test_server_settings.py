"""What PostgreSQL may log, on each way of running it."""

from pathlib import Path

import yaml

from infra.postgres.server import SETTINGS

ROOT = Path(__file__).parents[4]
SILENT = {"log_min_error_statement": "panic", "log_error_verbosity": "terse", "log_parameter_max_length_on_error": "0"}
"""An error is logged without the statement, its values, and the row or the value that its details quote."""


def test_postgresql_logs_no_statement_value_or_row_wherever_it_runs() -> None:
    command = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["postgres"]["command"]
    chart = (ROOT / "infra/chart/templates/engines.yaml").read_text().replace('"', "")
    told = (ROOT / "docs/operating.md").read_text()
    for name, value in SILENT.items():
        assert SETTINGS[name] == value
        assert f"{name}={value}" in command
        assert f"{name}: {value}" in chart
        assert f"`{name} = {value}`" in told, "for whoever runs a PostgreSQL that is not ours"
