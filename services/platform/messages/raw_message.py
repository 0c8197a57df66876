"""Holds a message as Kafka gave it, and makes the dead letter about one that cannot be processed."""

import base64
import hashlib
from dataclasses import dataclass

from services.safeguarding.contracts import contract_of
from services.safeguarding.duty.decisions import MessageDeadLettered
from services.safeguarding.message import Topic

ORIGINAL_BYTES_MOST = 256 * 1024
"""Kafka takes no message over 1 MB, and base64 adds a third."""


@dataclass(frozen=True, slots=True)
class Raw:
    """`origin` says where it stood: topic, partition and offset. After a loss at Kafka another may stand there."""

    content: bytes
    topic: Topic
    origin: str

    @property
    def identity(self) -> str:
        """Identifies this message at this place."""
        return f"{self.origin}/{hashlib.sha256(self.content).hexdigest()}"


def letter_about(
    raw: Raw, *, service: str, reason: str, kind: str | None, message_id: str | None
) -> MessageDeadLettered:
    """Holds the message itself unless it is too large. Omits an unknown kind, which its sender may have made up."""
    return MessageDeadLettered(
        service=service,
        origin=raw.origin,
        reason=reason,
        original_kind=kind if kind is not None and contract_of(kind) else None,
        original_id=message_id,
        original=base64.b64encode(raw.content).decode() if len(raw.content) <= ORIGINAL_BYTES_MOST else None,
    )
