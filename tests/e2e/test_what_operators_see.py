"""A real Prometheus asks the running stack: every panel has something to show, nothing fires that should not, and what fires arrives."""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry, start_http_server

from infra.grafana.boards import BOARDS
from infra.local.example import authority as example_authority
from infra.local.settings.layout import ROOT
from infra.local.settings.secret_files import SecretFiles
from infra.local.stack import Stack
from infra.postgres.archive.metrics import Gauges
from tests.support.engines.observing import Prometheus, Receiver, alertmanager, eventually, prometheus
from tests.support.engines.ports import free_port
from tests.support.outside.world import AGREED, World, _child, _duty, _person, _placement

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1050)]

CARER = "+447700900106"
EXERCISE_CARER, EXERCISE_WORKER = "+447700900597", "+447700900598"
EXERCISING = """
from datetime import timedelta
from services.options.exercise_reports import reporter
from services.run import run_service
reporter.EVERY = timedelta(days=1)
run_service("casework")
"""
"""Otherwise casework would wait for the next quarter of an hour, where this one has less than four minutes left."""
SERIES_MOST = 2000
METRIC = re.compile(r"\b([a-z][a-z0-9_]*_[a-z0-9_]+|up)\b(?=[{\[)]|\s|$)")
NOT_METRICS = {"histogram_quantile", "label_replace"}
EXPORTED = re.compile(r"\b(node|probe|pg|cnpg|barman|kubelet)_")
"""What exporters measure: tests/prometheus/test_exporters.py."""
NO_KEEPER = "no keeper runs beside the shared stack"
EXPECTED = {
    "Watchdog": "it always fires",
    "CommitsNotElsewhere": NO_KEEPER,
    "BackupOld": NO_KEEPER,
    "DrillOld": NO_KEEPER,
    "ErasuresNotElsewhere": NO_KEEPER,
}
OF_CHILDREN = {"children", "out", "notices", "burn-rate"}
"""Groups of rules about children and what is sent: the tests before leave some of that open."""
PERSONAL = re.compile(r"\+?447700900\d+|child-[0-9a-f]{8}|person-|placement-|provisional-|[0-9a-f]{8}-[0-9a-f]{4}-")


@pytest.fixture(scope="module")
def told(world_of_module: World) -> Iterator[World]:
    """One child missing and one back, so that each part has done its work once."""
    world = world_of_module
    world.text(CARER, "MISSING C18")
    world.eventually(lambda: any(notice["acknowledged"] for notice in world.notices(CARER)))
    world.confirm(CARER, "BACK C18")
    world.eventually(lambda: any(each["body"]["data"]["about"] == "returned" for each in world.notices(CARER)))
    before = len(world.notices(CARER))
    world.desk("southvale-police", acknowledges=False)
    world.text(CARER, "MISSING C17")
    world.eventually(lambda: len(world.notices(CARER)) > before)
    yield world
    world.desk("southvale-police", mode="normal")
    world.confirm(CARER, "BACK C17")


@pytest.fixture(scope="module")
def world_of_module(stack: object) -> Iterator[World]:
    one = World(stack)  # type: ignore[arg-type]
    yield one
    one.close()


@pytest.fixture(scope="module")
def seen(told: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    services = {name: address for name, address in told.stack.endpoints.items() if name != "sandbox"}
    registry, port = CollectorRegistry(), free_port()
    Gauges(registry)  # no keeper runs beside the shared stack
    start_http_server(port, "127.0.0.1", registry)
    services["backups"] = f"http://127.0.0.1:{port}"
    with prometheus(tmp_path_factory.mktemp("prometheus"), services) as one:
        eventually(lambda: len(one.rows("up == 1")) == len(services))
        # A rate needs two answers, and the slowest measurement comes every half minute.
        eventually(lambda: one.rows("count_over_time(up[1m]) >= 4"))
        eventually(lambda: {"duties_last_30_days", "bus_consumer_lag"} <= one.names(), within_seconds=135)
        # Measured each minute, the first time before a new stack has a register.
        eventually(lambda: one.rows("register_age_seconds"), within_seconds=270)
        eventually(lambda: one.rows("ends_at_seconds"), within_seconds=270)
        eventually(lambda: one.rows("duties_answer_seconds"), within_seconds=135)
        # What audit measures, which yields to everything else.
        for late in ("safe_return_audit_gaps", "safe_return_audit_anchored_timestamp_seconds"):
            eventually(partial(one.rows, late), within_seconds=270)
        yield one


def asked(expression: str) -> str:
    return expression.replace("$authority", ".*").replace("$__rate_interval", "1m")


def test_every_panel_has_rows(seen: Prometheus) -> None:
    questions = [
        (f"{board.name}: {panel.title}", asked(question))
        for board in BOARDS
        for panel in board.panels
        for question in panel.questions.values()
        if not (EXPORTED.search(question) or "backup_drill" in question)  # nobody has drilled: "not known"
    ]
    assert len(questions) > 90
    empty = [questions]

    def all_show_something() -> bool:
        empty.append([(name, question) for name, question in empty[-1] if not seen.rows(question)])
        return not empty[-1]

    with suppress(AssertionError):
        # If a scrape takes longer than a second, what that service reports is missing until the next.
        eventually(all_show_something)
    assert [name for name, _ in empty[-1]] == []


def test_every_metric_that_a_panel_or_a_rule_asks_for_exists(seen: Prometheus) -> None:
    """`or vector(0)` would hide a name that is misspelt."""
    known = seen.names()
    text = [asked(question) for board in BOARDS for panel in board.panels for question in panel.questions.values()]
    rules = seen._http.get("/api/v1/rules").json()["data"]["groups"]
    text += [rule["query"] for group in rules for rule in group["rules"]]
    wanted = {name for each in text for name in METRIC.findall(_without_labels(each))} - NOT_METRICS
    assert {name for name in wanted - known if not EXPORTED.match(name)} == set()
    assert len(wanted) > 45


def test_no_alert_without_a_reason_fires_or_is_about_to_on_a_stack_that_works(seen: Prometheus) -> None:
    found: list[set[str]] = []

    def quiet() -> bool:
        groups = seen._http.get("/api/v1/rules").json()["data"]["groups"]
        rules = [rule for group in groups if group["name"] not in OF_CHILDREN for rule in group["rules"]]
        found.append({rule["name"] for rule in rules if rule["state"] != "inactive"})
        return found[-1] <= EXPECTED.keys()

    with suppress(AssertionError):
        eventually(quiet)  # one may be pending for a moment
    assert found[-1] - EXPECTED.keys() == set()
    assert "Watchdog" in found[-1]


def test_no_label_is_personal_and_no_service_has_too_many_series(seen: Prometheus) -> None:
    series = seen._http.get("/api/v1/series", params={"match[]": '{job="safe-return"}'}).json()["data"]
    by_service = Counter(each["service"] for each in series)
    print("series:", dict(by_service))
    assert {name: count for name, count in by_service.items() if count >= SERIES_MOST} == {}
    assert [each for each in series if PERSONAL.search(json.dumps(each))] == []


def test_police_have_a_report_within_seconds_and_that_is_measured(seen: Prometheus) -> None:
    for metric in ("report_to_police_accepted_seconds", "report_to_first_acknowledged_seconds"):
        within_a_minute = (
            f'sum({metric}_bucket{{exercise="no", le="60.0"}} or {metric}_bucket{{exercise="no", le="60"}})'
        )
        eventually(partial(seen.rows, f"{within_a_minute} >= 1"))
    in_time = 'sum(delivery_urgent_notices{service="police", window="1h", verdict="in-time"}) >= 1'
    eventually(partial(seen.rows, in_time))


def test_an_event_is_found_by_its_trace_in_the_log_of_every_service_that_worked_on_it(told: World) -> None:
    lines = {
        name: [json.loads(line) for line in _log(told, name) if line.startswith("{")]
        for name in ("carers", "protocol", "police", "professionals")
    }
    read = [line["trace"] for line in lines["carers"] if line["event"] == "a text was read"]
    everywhere = [
        trace for trace in read if all(any(line.get("trace") == trace for line in each) for each in lines.values())
    ]
    assert everywhere, "a report's trace leads from the text to the notice and to the duty worker's text"
    for name in ("protocol", "police", "professionals"):
        about_an_event = [line for line in lines[name] if {"message_id", "delivery"} & line.keys()]
        assert [line for line in about_an_event if not line.get("trace")] == []


def test_an_exercise_report_reaches_the_exercise_desk_marked_and_is_measured_apart(
    told: World, seen: Prometheus, tmp_path: Path
) -> None:
    with _exercising_casework(told.stack, tmp_path):
        (notice,) = told.eventually(lambda: told.notices(EXERCISE_CARER))
        assert notice["body"]["data"]["exercise"] is True
        told.eventually(lambda: any("EXERCISE" in text for text in told.texts_to(EXERCISE_WORKER)))
        taken = 'max by (channel) (telling_taken_seconds_count{exercise="yes", channel=~"webhook|text"}) > 0'
        eventually(lambda: len(seen.rows(taken)) == 2)
    assert seen.rows('report_to_police_accepted_seconds_count{authority="exercise", exercise="no"}') == []
    assert seen.rows('episodes_open{authority="exercise", exercise="no"}') == []


def test_what_fires_in_prometheus_arrives_outside(told: World, tmp_path: Path, receiver: Receiver) -> None:
    with (
        alertmanager(tmp_path / "alertmanager", receiver.addresses) as address,
        prometheus(tmp_path / "prometheus", {"nobody": "http://127.0.0.1:1"}, address),
    ):
        eventually(lambda: "Watchdog" in receiver.names("/watchdog"))
        httpx.get(f"{address}/-/healthy", trust_env=False, timeout=30).raise_for_status()


@contextmanager
def _exercising_casework(stack: Stack, folder: Path) -> Iterator[None]:
    """A second casework, told to report an exercise, beside the stack's own."""
    secrets = SecretFiles(stack.layout.secrets)
    answer = httpx.put(
        f"{stack.endpoints['casework']}/register/exercise",
        json=_exercise_authority(),
        headers=example_authority.import_bearer("exercise", secrets, stack.ports),
        timeout=180,
        trust_env=False,
    )
    assert answer.is_success, answer.text
    environment = stack.environment("casework") | {
        "SAFE_RETURN_EXERCISE_AUTHORITY": "exercise",
        "SAFE_RETURN_HTTP_PORT": str(free_port()),
        "SAFE_RETURN_SLOT": "9",
    }
    with (folder / "casework.log").open("ab") as log:
        running = subprocess.Popen(
            [sys.executable, "-c", EXERCISING],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield
    finally:
        running.terminate()
        code = running.wait(60)
    assert code == 0


def _exercise_authority() -> dict[str, Any]:
    return {
        "authority": {"id": "exercise", "name": "Exercise", "duty_line": "+441632960191"},
        "sharing_agreements": AGREED,
        "placements": [_placement(0, "exercise")],
        "people": [_person("carer", EXERCISE_CARER), _person("worker", EXERCISE_WORKER)],
        "carers": [{"person": "carer", "placement": "foster-0"}],
        "children": [_child(0, "X1")],
        "directory": [_duty("duty.emergency-team", "worker"), _duty("duty.senior-manager", "worker")],
        "agencies": [],
    }


def _log(world: World, name: str) -> list[str]:
    found = [path for path in world.stack.layout.folder.rglob("*.log") if path.name.startswith(name)]
    return [line for path in found for line in path.read_text().splitlines()]


def _without_labels(expression: str) -> str:
    """Names of labels and their values, and what only looks like a metric, left out."""
    bare = re.sub(r"\{[^}]*\}", "{}", expression)
    bare = re.sub(r"(by|without|on|ignoring) *\([^)]*\)", "", bare)
    return re.sub(r'"[^"]*"', "", bare)
