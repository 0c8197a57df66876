"""Sets every service back to an earlier message, after a database that is older than the bus was restored.

A service skips the messages that its inbox knows, and handles the later ones again, which the database has forgotten.
Decisions and alerts have ids derived from their cause, so recipients that lost no data skip the repeats.
"""

from datetime import datetime

from kafka import KafkaAdminClient
from kafka.admin import OffsetTimestamp
from kafka.errors import KafkaError

from services.platform.bus.connection import Connection

MS_A_SECOND = 1000


class StillRuns(Exception):
    """A service still reads the bus, and would go on from its own offset."""


def reset_offsets(connection: Connection, to: datetime) -> list[str]:
    """Returns the services that were set back. `to` must be aware. Services must have been stopped for ten seconds.

    Raises StillRuns, with the service's name, if one has not.
    """
    admin = connection.plain_admin()
    try:
        services = sorted(group["group_id"] for group in admin.list_groups())
        for service in services:
            _reset_one(admin, service, OffsetTimestamp(int(to.timestamp() * MS_A_SECOND)))
    finally:
        admin.close()
    return services


def _reset_one(admin: KafkaAdminClient, service: str, moment: OffsetTimestamp) -> None:
    if admin.describe_groups([service])[service]["members"]:  # it may be reading without having committed an offset yet
        raise StillRuns(service)
    places = admin.list_group_offsets({service: None})[service]
    try:
        done = admin.reset_group_offsets(service, dict.fromkeys(places, moment))
    except KafkaError as error:
        raise StillRuns(service) from error
    if any(each["error"] is not None and each["error"].errno for each in done.values()):
        raise StillRuns(service)
