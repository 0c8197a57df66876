"""Takes a message apart into its facts, so that each is read in one way, whether it travelled alone or not."""

from services.safeguarding.duty.decisions import MessageDecided
from services.safeguarding.duty.evidence import DeliveriesAttempted
from services.safeguarding.duty.outcomes import DutyOutcomes
from services.safeguarding.identifiers import derived
from services.safeguarding.message import Message

HOLDING_OTHERS = (MessageDecided, DutyOutcomes, DeliveriesAttempted)


def parts_of(content: Message) -> tuple[Message, ...]:
    """The message itself where it holds no others, else those that it holds, in their order."""
    match content:
        case MessageDecided():
            return (*content.verdicts, *content.duties)
        case DutyOutcomes():
            return (*content.attempts, *content.accepted, *content.delivered, *content.failed)
        case DeliveriesAttempted():
            return content.attempts
        case _:
            return (content,)


def part_ids(content: Message, message_id: str) -> tuple[str, ...]:
    """An id for each part, in the order of `parts_of`: the message's own where it holds no others."""
    if not isinstance(content, HOLDING_OTHERS):
        return (message_id,)
    return tuple(str(derived("part", message_id, str(index))) for index in range(len(parts_of(content))))
