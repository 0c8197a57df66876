"""Sets every service back to an earlier message, after a database that is older than the bus was restored.

What a service had done by then its inbox knows, and passes over; what it did since, it does again, since the database has
forgotten it. Decisions and tellings have ids that follow from their cause, so that who did not lose their memory pass them over.
"""

from datetime import datetime

from kafka import KafkaAdminClient
from kafka.admin import OffsetTimestamp
from kafka.errors import KafkaError

MS_A_SECOND = 1000


class StillRuns(Exception):
    """A service reads the bus: it would go on from where it is."""


def reset_offsets(bootstrap: str, to: datetime) -> list[str]:
    """Returns the services that were set back. `to` must be aware. Services must have been stopped for ten seconds.

    Raises StillRuns, with its name, for a service that has not.
    """
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        services = sorted(group["group_id"] for group in admin.list_groups())
        for service in services:
            _rewind_one(admin, service, OffsetTimestamp(int(to.timestamp() * MS_A_SECOND)))
    finally:
        admin.close()
    return services


def _rewind_one(admin: KafkaAdminClient, service: str, moment: OffsetTimestamp) -> None:
    if admin.describe_groups([service])[service]["members"]:  # it may have begun to read and committed no place yet
        raise StillRuns(service)
    places = admin.list_group_offsets({service: None})[service]
    try:
        done = admin.reset_group_offsets(service, dict.fromkeys(places, moment))
    except KafkaError as error:
        raise StillRuns(service) from error
    if any(each["error"] is not None and each["error"].errno for each in done.values()):
        raise StillRuns(service)
