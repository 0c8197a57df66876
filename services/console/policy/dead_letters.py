"""Says whether a dead letter's message was at fault, or a service."""

from enum import StrEnum


class Fault(StrEnum):
    MESSAGE = "message"
    """The message breaks its contract: its sender has to correct it."""
    OURS = "ours"
    """A service of ours failed, at the place that the reason names."""


def fault_of(reason: str) -> Fault:
    """`services.platform.bus` names a field if the message is at fault, or an error's class and place if we are."""
    named_field = reason.split(":", maxsplit=1)[0]
    is_field = ":" in reason and " at " not in named_field
    return Fault.MESSAGE if is_field or reason.startswith("the message ") else Fault.OURS
