"""The clocks of a machine that tells the wrong time."""

from datetime import datetime, timedelta

from services.platform.runtime.clocks import Clocks


class WrongClocks(Clocks):
    """`off`: by how much they are ahead."""

    def __init__(self, off: timedelta) -> None:
        super().__init__()
        self._off = off

    def wall(self) -> datetime:
        return super().wall() + self._off

    def story(self) -> datetime:
        return super().story() + self._off
