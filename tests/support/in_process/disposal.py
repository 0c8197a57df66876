"""What is swept once time has passed."""

from datetime import datetime, timedelta

from services.platform.runtime.clocks import Clocks
from services.platform.store.disposal import Disposal
from services.platform.store.unit_of_work import Store


class Later(Clocks):
    """Wall time, so many days later."""

    def __init__(self, days: float) -> None:
        super().__init__()
        self._days = timedelta(days=days)

    def wall(self) -> datetime:
        return super().wall() + self._days


async def sweep(store: Store, service: str, *, days: float = 0) -> None:
    """As the service does until there is nothing more, so many days later."""
    disposal = Disposal(store, Later(days), service)
    while await disposal.turn():
        pass
