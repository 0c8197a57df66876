"""Reads the kinds that each service hears, from `written/traffic.yaml`, for AsyncAPI's operations and Kafka's rights.

Written down, since a document is rendered without starting a service; tests/contract/test_schemas.py holds it against
what each service subscribes to when it is put together.
"""

from services.platform.messages.speakers import SAYS, every, read_kinds
from services.protocol.handlers import HEARD
from services.safeguarding.message import Message
from services.schemas.messages import read_part

GROUPS = {"everything": every(Message), "heard-by-protocol": HEARD}
HEARS = {service: read_kinds(names, GROUPS) for service, names in read_part("traffic").items()}


def first_to_say(contract: type[Message]) -> str:
    """A service that says it, for an example's source. Where none does yet: the protocol, which will."""
    return next((service for service, kinds in SAYS.items() if contract in kinds), "protocol")
