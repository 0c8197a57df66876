"""What fires arrives where somebody hears it: the watchdog outside, everything else with the operators."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import httpx

from tests.support.engines.observing import Receiver, alertmanager, eventually, program, receiving


def test_the_configuration_is_as_alertmanager_wants_it(tmp_path: Path) -> None:
    addresses = dict.fromkeys(("operators_url", "watchdog_url"), "http://127.0.0.1:1/")
    (tmp_path / "alertmanager.yml").write_text(json.dumps(receiving(addresses)))
    command = [program("amtool", "prometheus-alertmanager"), "check-config", str(tmp_path / "alertmanager.yml")]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr
    assert "2 receivers" in said.stdout


def test_each_alert_arrives_at_its_own_receiver(tmp_path: Path, receiver: Receiver) -> None:
    with alertmanager(tmp_path, receiver.addresses) as address:
        now = datetime.now(UTC).isoformat()
        labels = [
            {"alertname": "Watchdog", "severity": "none"},
            {"alertname": "DutyUnanswered", "severity": "critical", "authority": "kestrel"},
            {"alertname": "ServiceDown", "severity": "critical", "service": "police"},
            {"alertname": "ServiceNotReady", "severity": "warning", "service": "police"},
            {"alertname": "ReturnInterviewOverdue", "severity": "warning", "authority": "kestrel"},
        ]
        alerts = [{"labels": each, "startsAt": now} for each in labels]
        httpx.post(f"{address}/api/v2/alerts", json=alerts, trust_env=False, timeout=30).raise_for_status()
        wanted = {"DutyUnanswered", "ServiceDown", "ReturnInterviewOverdue"}
        eventually(lambda: receiver.names("/operators") >= wanted and receiver.names("/watchdog") == {"Watchdog"})
    assert receiver.names("/operators") == wanted, "that a service waits is not told beside that it is down"
    assert {alert["labels"].get("authority") for alert in receiver.came["/operators"]} == {"kestrel", None}
