"""Lists all kinds of message. Readers of the bus look a kind up here, so that none is missing for want of an import."""

from services.safeguarding import operators
from services.safeguarding.child_events import care_events, discussion_events, events
from services.safeguarding.duty import decisions, duties
from services.safeguarding.message import CONTRACTS, Message, Topic

__all__ = ["contract_of", "contracts"]

_MODULES = (
    care_events, events, decisions, discussion_events, duties, events, decisions, operators, duties, care_events,
)  # fmt: skip


def contract_of(kind: str, topic: Topic | None = None) -> type[Message] | None:
    """None for a kind that does not exist, or that never travels on `topic`."""
    contract = CONTRACTS.get(kind)
    return contract if contract is not None and topic in {None, contract.topic} else None


def contracts() -> dict[str, type[Message]]:
    return dict(CONTRACTS)
