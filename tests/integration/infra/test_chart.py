"""The chart as helm renders it, against Kubernetes' own schemas. test_chart_admission.py asks an API server; no cluster runs it."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from infra.kafka.jars import KAFKA
from infra.postgres.place import INSTALLED
from services.run import SERVICES
from tests.support.guide import read_guide

ROOT = Path(__file__).parents[3]
CHART = ROOT / "infra" / "chart"
KUBERNETES = "1.37.0"
ENVIRONMENTS = sorted((CHART / "environments").glob("*.yaml"))
PRODUCTION = CHART / "environments" / "production.yaml"
TOLD = read_guide()
OPERATORS = {
    "kafka.strimzi.io/v1": ["Kafka", "KafkaNodePool", "KafkaUser"],
    "monitoring.coreos.com/v1": ["PodMonitor", "Probe", "PrometheusRule"],
    "postgresql.cnpg.io/v1": ["Cluster", "ScheduledBackup"],
    "barmancloud.cnpg.io/v1": ["ObjectStore"],
}
STRIMZI_KEEPS = re.compile(
    r"(?!controller\.quorum\.(election|fetch)\.)(advertised|authorizer|broker|controller|listener|sasl|ssl|node)\."
)
"""What a cluster's `config` may not set: it is left out, with a warning in the operator's log."""
NAMESPACE = "safe-return"
RULES = sorted((ROOT / "infra" / "prometheus" / "rules").glob("*.yaml"))


@pytest.fixture(scope="module")
def helm() -> str:
    found = shutil.which("helm", path=f"{ROOT / '.local' / 'helm'}") or shutil.which("helm")
    if found is None:
        pytest.skip("helm is not here: `make helm` installs it, if Go is")
    return found


def render(helm: str, environment: Path, *values: str) -> list[dict[str, Any]]:
    command = [helm, "template", "safe-return", str(CHART), "--values", str(environment), "--kube-version", KUBERNETES]
    command += ["--namespace", NAMESPACE]
    command += [part for value in values for part in ("--set", value)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    return [each for each in yaml.safe_load_all(said.stdout) if each]


@pytest.fixture(params=ENVIRONMENTS, ids=lambda each: each.stem)
def rendered(request: pytest.FixtureRequest, helm: str) -> list[dict[str, Any]]:
    return render(helm, request.param)


def test_kubernetes_takes_each_resource(rendered: list[dict[str, Any]]) -> None:
    for each in rendered:
        if each["apiVersion"] in OPERATORS:
            assert each["kind"] in OPERATORS[each["apiVersion"]]  # their schemas are in no package
        else:
            kubernetes_validate.validate(each, KUBERNETES, strict=True)


def test_each_service_runs_is_reached_and_keeps_a_process_while_nodes_are_emptied(
    rendered: list[dict[str, Any]],
) -> None:
    for kind in ("StatefulSet", "Service", "PodDisruptionBudget"):
        assert {each["metadata"]["name"] for each in rendered if each["kind"] == kind} == set(SERVICES)


@pytest.mark.parametrize("rendered", [PRODUCTION], indirect=True)
def test_the_alerts_are_those_of_compose_and_link_to_where_the_environment_says(rendered: list[dict[str, Any]]) -> None:
    groups = [group for file in RULES for group in yaml.safe_load(file.read_text())["groups"]]
    for group in groups:
        for rule in group["rules"]:
            page = rule["annotations"]["runbook_url"].rpartition("/")[2]
            rule["annotations"]["runbook_url"] = f"https://wiki.kestrel.example/runbooks/{page}"
            rule["expr"] = rule["expr"].replace('service!=""', f'service!="", namespace="{NAMESPACE}"')
    assert monitored(rendered)["groups"][: len(groups)] == groups


@pytest.mark.parametrize("rendered", [PRODUCTION], indirect=True)
def test_an_alert_of_the_chart_alone_leads_to_a_runbook_that_names_it(rendered: list[dict[str, Any]]) -> None:
    for group in monitored(rendered)["groups"]:
        for rule in group["rules"]:
            page = rule["annotations"]["runbook_url"].rpartition("/")[2]
            assert f"`{rule['alert']}`" in (ROOT / "docs" / "runbooks" / page).read_text()
            assert rule["labels"]["severity"] in {"critical", "warning", "none"}


@pytest.mark.parametrize("rendered", [PRODUCTION], indirect=True)
@pytest.mark.parametrize(
    ("standbys", "fires"), [("2x40", set()), ("2x3 1x40", {"StandbyLost"}), ("2x3 0x40", {"StandbyLost", "NoStandby"})]
)
def test_the_primary_says_that_a_standby_is_gone(
    rendered: list[dict[str, Any]], tmp_path: Path, standbys: str, fires: set[str]
) -> None:
    """A standby that is gone says nothing of its lag. Another team's database is no help."""
    counted = "cnpg_pg_replication_streaming_replicas"
    series = {
        f'{counted}{{service="database", namespace="{NAMESPACE}", pod="database-1"}}': standbys,
        f'{counted}{{service="database", namespace="{NAMESPACE}", pod="database-2"}}': "0x40",
        f'{counted}{{service="database", namespace="shop", pod="database-1"}}': "2x40",
    }
    for alert in ("StandbyLost", "NoStandby"):
        require_firing(rendered, tmp_path, alert, series, {"database"} if alert in fires else set(), at="8m")


def test_each_door_that_is_named_is_tried_as_with_compose(helm: str, tmp_path: Path) -> None:
    doors = ["carers.kestrel.example:443", "police.kestrel.example:443"]
    rendered = render(helm, PRODUCTION, f"doors={{{','.join(doors)}}}")
    [probe] = [each["spec"] for each in rendered if each["kind"] == "Probe"]
    assert probe["targets"]["staticConfig"].pop("static") == doors
    # The operator puts the address tried into `instance`, and the prober's in its place.
    assert probe["targets"]["staticConfig"].pop("relabelingConfigs") == [
        {"sourceLabels": ["instance"], "targetLabel": "door"}
    ]
    assert probe["module"] in yaml.safe_load((ROOT / "infra/prometheus/blackbox.yml").read_text())["modules"]
    labels = probe["targets"]["staticConfig"].pop("labels")
    assert probe["targets"] == {"staticConfig": {}}
    series = {f'up{{service="{each}", namespace="{NAMESPACE}"}}': "1x20" for each in SERVICES}
    series[f'up{{service="{labels["service"]}", namespace="{NAMESPACE}"}}'] = "0x20"
    require_firing(rendered, tmp_path, "ServiceDown", series, {"blackbox-exporter"})


def test_without_doors_nothing_is_probed(helm: str) -> None:
    assert [each for each in render(helm, PRODUCTION, "doors=null") if each["kind"] == "Probe"] == []


def test_one_database_has_no_standby_to_lose(helm: str) -> None:
    rendered = render(helm, CHART / "environments" / "trial.yaml", "monitoring=true")
    assert "standbys" not in {group["name"] for group in monitored(rendered)["groups"]}


@pytest.mark.parametrize("rendered", [PRODUCTION], indirect=True)
@pytest.mark.parametrize("gone", [set(), {"police"}])
def test_a_service_without_any_pod_is_down(rendered: list[dict[str, Any]], tmp_path: Path, gone: set[str]) -> None:
    """Then nothing is asked, and no `up` is 0. Another team's pod of that name is no help."""
    series = {f'up{{service="{each}", namespace="{NAMESPACE}"}}': "1x20" for each in set(SERVICES) - gone}
    series['up{service="police", namespace="shop"}'] = "1x20"
    require_firing(rendered, tmp_path, "ServiceDown", series, gone)


def monitored(rendered: list[dict[str, Any]]) -> dict[str, Any]:
    [made] = [each for each in rendered if each["kind"] == "PrometheusRule"]
    return dict(made["spec"])


def require_firing(
    rendered: list[dict[str, Any]], folder: Path, alert: str, series: dict[str, str], services: set[str], at: str = "4m"
) -> None:
    """Prometheus' own tool finds the alert firing about these services and no other."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not here (Debian: prometheus)")
    (folder / "rules.yaml").write_text(yaml.safe_dump(monitored(rendered)))
    looked = {
        "expr": f'sum by (service) (ALERTS{{alertname="{alert}", alertstate="firing"}})',
        "eval_time": at,
        "exp_samples": [{"labels": f'{{service="{each}"}}', "value": 1} for each in sorted(services)],
    }
    given = [{"series": each, "values": values} for each, values in series.items()]
    case = {"interval": "15s", "input_series": given, "promql_expr_test": [looked]}
    file = folder / "case.yaml"
    file.write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "evaluation_interval": "15s", "tests": [case]}))
    said = subprocess.run([promtool, "test", "rules", file], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize("rendered", [PRODUCTION], indirect=True)
@pytest.mark.parametrize(
    ("alert", "metric", "values"),
    [("ServiceDown", "up", "0x20"), ("ServiceFlapping", "process_start_time_seconds", "1 2 3 4 5x20")],
)
def test_of_a_cluster_others_share_our_own_services_are_judged_alone(
    rendered: list[dict[str, Any]], tmp_path: Path, alert: str, metric: str, values: str
) -> None:
    """The Prometheus Operator gives each target a label `service`."""
    series = {f'up{{service="{each}", namespace="{NAMESPACE}"}}': "1x20" for each in SERVICES}
    series.pop(f'up{{service="police", namespace="{NAMESPACE}"}}')
    series[f'up{{service="police", namespace="{NAMESPACE}", pod="police-0"}}'] = "1x20"
    series[f'{metric}{{service="police", namespace="{NAMESPACE}", pod="police-1"}}'] = values
    series[f'{metric}{{service="shop", namespace="shop", pod="shop-0"}}'] = values
    require_firing(rendered, tmp_path, alert, series, {"police"})


def test_mail_is_taken_from_the_relays_alone(helm: str) -> None:
    """By the network, where it enforces policies, and by the service. Everything else reaches HTTP as before."""
    relays = ["10.20.0.5/32", "10.21.0.0/24"]
    made = render(helm, PRODUCTION, f"relays={{{','.join(relays)}}}")
    policies = {each["metadata"]["name"]: each["spec"] for each in made if each["kind"] == "NetworkPolicy"}
    listening = set()
    for each in (each for each in made if each["kind"] == "StatefulSet"):
        [container] = each["spec"]["template"]["spec"]["containers"]
        given = {setting["name"]: setting.get("value") for setting in container["env"]}
        if "mail" in {port["name"] for port in container["ports"]}:
            listening.add(each["metadata"]["name"])
            assert given["SAFE_RETURN_SMTP_LISTEN_NETWORKS"].split() == relays
            assert policies[each["metadata"]["name"]]["podSelector"] == each["spec"]["selector"]
    assert set(policies) == listening
    for policy in policies.values():
        assert policy["policyTypes"] == ["Ingress"]
        assert policy["ingress"] == [
            {"ports": [{"port": "http"}]},
            {"ports": [{"port": "mail"}], "from": [{"ipBlock": {"cidr": each}} for each in relays]},
        ]


def test_the_ingress_is_named_to_every_service_as_compose_names_the_proxy(helm: str) -> None:
    composed = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    [setting] = [
        name for name, value in composed["casework"]["environment"].items() if "SAFE_RETURN_PROXY" in str(value)
    ]
    assert f"`environment.{setting}`" in TOLD
    assert yaml.safe_load((CHART / "values.yaml").read_text())["environment"][setting] == "127.0.0.1"
    named = yaml.safe_load(PRODUCTION.read_text())["environment"][setting]
    for each in (each for each in render(helm, PRODUCTION) if each["kind"] == "StatefulSet"):
        [container] = each["spec"]["template"]["spec"]["containers"]
        assert {"name": setting, "value": named} in container["env"]


def test_until_a_relay_is_named_nobody_hands_over_mail() -> None:
    assert yaml.safe_load((CHART / "values.yaml").read_text())["relays"] == ["127.0.0.0/8"]


def test_no_setting_of_kafka_is_one_that_its_operator_leaves_out() -> None:
    written = (CHART / "templates" / "engines.yaml").read_text()
    config = written.partition("    config:\n")[2].partition("  entityOperator:")[0]
    names = re.findall(r"^ +([a-z.]+):", config, re.MULTILINE)
    assert "min.insync.replicas" in names
    assert [each for each in names if STRIMZI_KEEPS.match(each)] == []


def test_a_setting_is_said_once(rendered: list[dict[str, Any]]) -> None:
    """The last would hold, silently."""
    at_times = [each["spec"]["jobTemplate"] for each in rendered if each["kind"] == "CronJob"]
    once = [each for each in rendered if each["kind"] in {"StatefulSet", "Job"}]
    pods = [each["spec"]["template"]["spec"] for each in (*once, *at_times)]
    for name in [[given["name"] for given in container["env"]] for pod in pods for container in pod["containers"]]:
        assert len(name) == len(set(name))


def test_a_restoration_makes_another_database_and_leads_all_to_it_with_the_services_stopped(helm: str) -> None:
    moment = "2026-11-27T12:00:00Z"
    names = ("stopped=true", "postgres.cluster=database-2", "postgres.restore.from=database")
    restored = render(helm, PRODUCTION, *names, f"postgres.restore.at={moment}")
    assert {each["spec"]["replicas"] for each in restored if each["kind"] == "StatefulSet"} == {0}
    [database] = [each for each in restored if each["kind"] == "Cluster"]
    assert database["metadata"]["name"] == "database-2"
    recovery = database["spec"]["bootstrap"].pop("recovery")
    assert database["spec"]["bootstrap"] == {}
    assert recovery == {
        "source": "copies",
        "database": "safe_return",
        "owner": "safe_return",
        "recoveryTarget": {"targetTime": moment},
    }
    [archive], [copies] = database["spec"]["plugins"], database["spec"]["externalClusters"]
    assert copies["name"] == recovery["source"]
    assert copies["plugin"]["name"] == archive["name"]
    assert copies["plugin"]["parameters"] == archive["parameters"] | {"serverName": "database"}
    [daily] = [each for each in restored if each["kind"] == "ScheduledBackup"]
    assert (daily["metadata"]["name"], daily["spec"]["cluster"]["name"]) == ("database-2", "database-2")
    written = yaml.safe_dump_all(restored)
    assert "database-2-rw" in written
    assert re.search(r"database-rw|(secretName|cnpg\.io/cluster): database(-ca)?$", written, re.MULTILINE) is None


@pytest.mark.parametrize(
    ("environment", "cluster"), [(PRODUCTION, "database"), (CHART / "environments" / "trial.yaml", "database-2")]
)
def test_nothing_is_restored_in_place_nor_without_copies(helm: str, environment: Path, cluster: str) -> None:
    with pytest.raises(AssertionError, match=r"postgres\.restore needs"):
        render(helm, environment, f"postgres.cluster={cluster}", "postgres.restore.from=database")


def test_an_upgrade_deletes_no_database_and_stops_no_service(rendered: list[dict[str, Any]]) -> None:
    [database] = [each for each in rendered if each["kind"] == "Cluster"]
    assert database["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert 0 not in [each["spec"]["replicas"] for each in rendered if each["kind"] == "StatefulSet"]


def test_the_administrators_pod_has_what_is_told_of_it(rendered: list[dict[str, Any]]) -> None:
    [job] = [each["spec"] for each in rendered if each["metadata"]["name"] == "administrator"]
    assert job["suspend"]
    pod = job["jobTemplate"]["spec"]["template"]["spec"]
    given = {
        each["name"]: {setting["name"]: setting.get("value") for setting in each["env"]} for each in pod["containers"]
    }
    assert set(re.findall(r"job/administrator -c (\w+)", TOLD)) == set(given)
    assert {"SAFE_RETURN_ADMIN_DATABASE", "PGPASSWORD"} <= set(given["casework"])
    [secrets] = [each["projected"]["sources"] for each in pod["volumes"] if each["name"] == "audit"]
    files = [(each["secret"]["name"], item["path"]) for each in secrets for item in each["secret"]["items"]]
    assert given["audit"]["SAFE_RETURN_KAFKA_USER"] == "admin"
    assert ("kafka-administrator", "kafka_password") in files
    assert len({path for _, path in files}) == len(files), "Kubernetes refuses two of one path"


def test_what_the_chart_runs_is_in_the_image_of_the_services() -> None:
    copied = (ROOT / "infra" / "docker" / "Dockerfile").read_text().partition(" AS backups")[0]
    written = "".join(each.read_text() for each in (CHART / "templates").iterdir())
    modules = re.findall(r"python, -m, (infra[.a-z]+)", written)
    assert modules
    for each in modules:
        assert f"{each.replace('.', '/')}.py" in copied


def test_compose_the_chart_and_make_run_have_one_version_of_each_engine() -> None:
    composed = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    kafka, postgres = KAFKA.rsplit(":", maxsplit=1)[1], INSTALLED.name.removeprefix("pginstall")
    assert composed["kafka"]["image"] == f"apache/kafka:{kafka}"
    assert values["kafka"]["version"] == kafka
    assert composed["postgres"]["image"].startswith(f"postgres:{postgres}.")
    assert values["postgres"]["image"].rpartition(":")[2] == postgres


def test_the_console_takes_files_in_the_chart_as_in_compose() -> None:
    composed = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["console"]["environment"]
    own = yaml.safe_load((CHART / "values.yaml").read_text())["own"]["console"]
    assert own["SAFE_RETURN_CASEWORK_URL"] == composed["SAFE_RETURN_CASEWORK_URL"]
