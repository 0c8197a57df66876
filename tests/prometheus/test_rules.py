"""Each alert fires on what it is for, stays quiet on what comes near, and says what to do: Prometheus' own tool is the judge."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "infra/prometheus/rules").glob("*.yaml"))
CASES: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("cases.yaml").read_text())
ALERTS_OF: dict[Path, dict[str, dict[str, Any]]] = {
    file: {rule["alert"]: rule for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]}
    for file in RULES
}
ALERTS = {name: rule for rules in ALERTS_OF.values() for name, rule in rules.items()}
AT, EVERY = "4m", "15s"


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not here (Debian: prometheus)")
    return found


def test_the_rules_and_the_configuration_are_as_prometheus_wants_them(promtool: str) -> None:
    said = subprocess.run(
        [promtool, "check", "config", ROOT / "infra/prometheus/prometheus.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stdout + said.stderr
    assert f"{len(RULES)} rule files found" in said.stdout, "the configuration names every rule file"


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_how_grave_it_is_what_happened_and_what_to_do(name: str) -> None:
    alert = ALERTS[name]
    assert alert["labels"]["severity"] in {"critical", "warning", "none"}
    assert {"summary", "description", "runbook_url"} <= alert["annotations"].keys()
    page = ROOT / "docs/runbooks" / alert["annotations"]["runbook_url"].rsplit("/", 1)[1]
    text = page.read_text()
    sections = [line for line in text.splitlines() if line.startswith("## ")]
    assert sections == [
        "## What it means",
        "## What a child risks",
        "## What to look at",
        "## What to do",
        "## Whom to telephone",
    ]
    assert f"`{name}`" in text, "the page names the alerts that lead to it"


def test_what_stays_is_named_and_not_what_tells_replicas_apart() -> None:
    """What each replica reads from the database must not count twice, and in Kubernetes replicas differ by more."""
    assert [name for name, alert in ALERTS.items() if re.search(r"\bwithout\b", alert["expr"])] == []


def test_every_runbook_belongs_to_an_alert() -> None:
    linked = {alert["annotations"]["runbook_url"].rsplit("/", 1)[1] for alert in ALERTS.values()}
    assert {path.name for path in (ROOT / "docs/runbooks").glob("*.md")} == linked | {"README.md"}


def test_every_alert_has_its_cases() -> None:
    assert ALERTS.keys() == CASES.keys()


def test_each_alert_fires_on_what_it_is_for_and_stays_quiet_on_what_comes_near(promtool: str, tmp_path: Path) -> None:
    written = []
    for (
        rules,
        alerts,
    ) in ALERTS_OF.items():  # each with its own file alone: promtool evaluates every rule for every case
        for every in {CASES[name].get("every", EVERY) for name in alerts}:
            cases = {name: CASES[name] for name in alerts if CASES[name].get("every", EVERY) == every}
            tests = [each for name, case in cases.items() for each in _tests(name, case)]
            file = tmp_path / f"{every}-{rules.name}"
            file.write_text(yaml.safe_dump({"rule_files": [str(rules)], "evaluation_interval": every, "tests": tests}))
            written.append(file)
    said = subprocess.run([promtool, "test", "rules", *written], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


def _tests(name: str, case: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": f"{name} {kind}",
            "interval": case.get("every", EVERY),
            "input_series": [{"series": series, "values": values} for series, values in case[kind].items()],
            "promql_expr_test": [
                {
                    "expr": f'count(ALERTS{{alertname="{name}", alertstate="firing"}}) > 0',
                    "eval_time": case.get("at", AT),
                    "exp_samples": [{"value": 1}] if kind.startswith("fires") else [],
                }
            ],
        }
        for kind in case
        if kind.startswith(("fires", "quiet")) and case[kind] is not None
    ]
