"""Gives each service its login at Kafka, and the right to write what it says and read what it hears, and no other."""

from collections.abc import Iterable, Iterator, Mapping

from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from services.platform.bus.connection import Connection
from services.platform.messages.signature import SAYS
from services.safeguarding.message import Message, Topic

REPUBLISHES = {"console"}
"""Puts messages back that others have signed, so it may write to every topic. A replay is the administrator's."""
WATCHES = "console"
"""Measures how far each group is behind."""
EVERY = "*"
Hears = Mapping[str, Iterable[type[Message]]]


def topics_written(service: str) -> set[Topic]:
    return set(Topic) if service in REPUBLISHES else {kind.topic for kind in SAYS[service]}


def set_access(connection: Connection, hears: Hears, passwords: Mapping[str, str]) -> int:
    """Returns how many rights the services have now. Takes away those that they had before and have no longer.

    `passwords`, by service, of those who log in with one.
    """
    wanted = [acl for service, kinds in hears.items() for acl in _rights(service, {kind.topic for kind in kinds})]
    admin = connection.plain_admin()
    try:
        logins = [
            UserScramCredentialUpsertion(service, ScramMechanism.SCRAM_SHA_512, password)
            for service, password in passwords.items()
        ]
        refused = {user: error for user, error in admin.alter_user_scram_credentials(logins).items() if error}
        found, _ = admin.describe_acls(_ANY)
        ours = {_principal(service) for service in hears}
        old = [acl for acl in found if acl.principal in ours and acl not in wanted]
        admin.delete_acls(
            [
                ACLFilter(acl.principal, acl.host, acl.operation, acl.permission_type, acl.resource_pattern)
                for acl in old
            ]
        )
        failed = admin.create_acls(wanted)["failed"]
    finally:
        admin.close()
    if refused or failed:
        raise RuntimeError(f"Kafka did not take {len(refused)} logins and {len(failed)} rights")
    return len(wanted)


def _rights(service: str, heard: set[Topic]) -> Iterator[ACL]:
    for topic in sorted(topics_written(service)):
        yield _right(service, ACLOperation.WRITE, ResourceType.TOPIC, topic)
    for topic in sorted(heard):
        yield _right(service, ACLOperation.READ, ResourceType.TOPIC, topic)
    if heard:
        yield _right(service, ACLOperation.READ, ResourceType.GROUP, service)
    if service == WATCHES:
        yield _right(service, ACLOperation.DESCRIBE, ResourceType.GROUP, EVERY)


def _right(service: str, operation: ACLOperation, kind: ResourceType, name: str) -> ACL:
    return ACL(_principal(service), EVERY, operation, ACLPermissionType.ALLOW, ResourcePattern(kind, str(name)))


def _principal(service: str) -> str:
    return f"User:{service}"


_ANY = ACLFilter(
    None,
    None,
    ACLOperation.ANY,
    ACLPermissionType.ANY,
    ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
)
