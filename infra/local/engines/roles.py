"""Asks a cluster's databases and brokers who leads and who follows."""

from collections.abc import Mapping
from typing import Any

import httpx
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from infra.local.settings.environment import bus
from infra.local.settings.layout import BROKERS, DATABASES

AWAY = "away"
ANSWERS_WITHIN_SECONDS = 1.0
QUESTION_MILLISECONDS = 2000


def ask(ports: Mapping[str, int]) -> dict[str, str]:
    """Each one's role, by name: `primary`, `sync_standby` or another of Patroni's; `controller`, `follower`; `away`."""
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
    """The quorum knows who leads; `describe_cluster` names any broker as the controller."""
    found = dict.fromkeys(BROKERS, AWAY)
    try:
        admin = KafkaAdminClient(bootstrap_servers=bus(ports), request_timeout_ms=QUESTION_MILLISECONDS)
    except KafkaError:
        return found
    try:
        [topic] = admin.describe_metadata_quorum()["topics"]
        leader = topic["partitions"][0]["leader_id"]
        here = {ports[each]: each for each in BROKERS}
        for broker in admin.describe_cluster()["brokers"]:
            found[here[broker["port"]]] = "controller" if broker["broker_id"] == leader else "follower"
    except KafkaError:
        return dict.fromkeys(BROKERS, AWAY)
    finally:
        admin.close()
    return found
