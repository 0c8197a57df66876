"""What strategy says on the bus of a discussion, of its record or of a mail about it."""

from typing import Protocol

from services.safeguarding.identifiers import ChildId

SERVICE = "strategy"


class Concern(Protocol):
    """Whose it is, whether it is practice, and the trace that began it."""

    @property
    def child(self) -> ChildId: ...
    @property
    def exercise(self) -> bool: ...
    @property
    def trace(self) -> str | None: ...
