"""A protocol of a test's own rules and no other, for what no rule of ours shows alone."""

from typing import Any

from services.protocol.policy.draft import Protocols
from services.protocol.policy.rule_language.grammar import Protocol

PLAIN: dict[str, Any] = {
    "tell": "duty.worker",
    "by": "text",
    "message": "missing-notice",
    "because": {"cite": ["S13"], "kind": "local", "note": "For a test."},
    "protocol": "own 1",
}


def only(*rules: dict[str, Any], **about: Any) -> Protocols:
    """Each says what is not as in `PLAIN`; at least its `id` and what it is `on`."""
    written = {
        "authority": "northshire",
        "hash": "own",
        "closing": ("police-closed",),
        "rules": [PLAIN | rule for rule in rules],
    }
    return Protocols(Protocol.model_validate(written | about))
