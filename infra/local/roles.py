"""Asks a cluster's databases and brokers who leads and who follows."""

from collections.abc import Mapping
from typing import Any

import httpx
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from infra.local.environment import bus
from infra.local.layout import BROKERS, DATABASES

AWAY = "away"
ANSWERS_WITHIN_SECONDS = 1.0


def ask(ports: Mapping[str, int]) -> dict[str, str]:
    """By name: `primary`, `sync_standby` and Patroni's other words; `controller`, `follower`, `away`."""
    return {each: _of_database(ports[f"{each}-api"]) for each in DATABASES} | _of_brokers(ports)


def _of_database(port: int) -> str:
    try:
        told: dict[str, Any] = httpx.get(
            f"http://127.0.0.1:{port}/patroni", timeout=ANSWERS_WITHIN_SECONDS, trust_env=False
        ).json()
    except (httpx.HTTPError, ValueError):
        return AWAY
    return "sync_standby" if told.get("sync_standby") else str(told.get("role", AWAY))


def _of_brokers(ports: Mapping[str, int]) -> dict[str, str]:
    found = dict.fromkeys(BROKERS, AWAY)
    try:
        admin = KafkaAdminClient(bootstrap_servers=bus(ports), bootstrap_timeout_ms=2000, request_timeout_ms=2000)
    except KafkaError:
        return found
    try:
        told = admin.describe_cluster()
        here = {ports[each]: each for each in BROKERS}
        for broker in told["brokers"]:
            leads = broker["broker_id"] == told["controller_id"]
            found[here[broker["port"]]] = "controller" if leads else "follower"
    except KafkaError:
        pass
    finally:
        admin.close()
    return found
