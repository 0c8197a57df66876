"""Asks a cluster's databases and brokers who leads and who follows."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from infra.local.settings.environment import bus
from infra.local.settings.layout import BROKERS, DATABASES

AWAY = "away"
ANSWERS_WITHIN_SECONDS = 1.0


def ask(ports: Mapping[str, int]) -> dict[str, str]:
    """By name: `primary`, `sync_standby` and Patroni's other words; `controller`, `follower`, `away`."""
    return {each: _of_database(ports[f"{each}-api"]) for each in DATABASES} | asyncio.run(_of_brokers(ports))


def _of_database(port: int) -> str:
    try:
        told: dict[str, Any] = httpx.get(
            f"http://127.0.0.1:{port}/patroni", timeout=ANSWERS_WITHIN_SECONDS, trust_env=False
        ).json()
    except (httpx.HTTPError, ValueError):
        return AWAY
    return "sync_standby" if told.get("sync_standby") else str(told.get("role", AWAY))


async def _of_brokers(ports: Mapping[str, int]) -> dict[str, str]:
    found = dict.fromkeys(BROKERS, AWAY)
    admin = AIOKafkaAdminClient(bootstrap_servers=bus(ports), request_timeout_ms=2000)
    try:
        await admin.start()
        told = await admin.describe_cluster()
        here = {ports[each]: each for each in BROKERS}
        for broker in told["brokers"]:
            leads = broker["node_id"] == told["controller_id"]
            found[here[broker["port"]]] = "controller" if leads else "follower"
    except KafkaError:
        pass
    finally:
        await admin.close()
    return found
