"""Dead letters, explained to whoever may give them another try."""

from enum import StrEnum


class Fault(StrEnum):
    MESSAGE = "message"
    """The message is not as its contract wants it: whoever says it has to mend it."""
    OURS = "ours"
    """A service of ours failed at the place named."""


def fault_of(reason: str) -> Fault:
    """`services.platform.bus` names the field where the message is at fault, and the error's class and place where a service is."""
    named_field = reason.split(":", maxsplit=1)[0]
    is_field = ":" in reason and " at " not in named_field
    return Fault.MESSAGE if is_field or reason.startswith("the message ") else Fault.OURS
