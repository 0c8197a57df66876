"""The clocks of a machine that tells the wrong time."""

from datetime import datetime, timedelta

import pytest

from services.platform.runtime.clocks import Clocks


class WrongClocks(Clocks):
    """`off`: by how much the machine's are ahead, until somebody sets them."""

    def __init__(self, off: timedelta) -> None:
        super().__init__()
        self.off = off

    def own(self) -> datetime:
        return super().own() + self.off


def set_machine_ahead(monkeypatch: pytest.MonkeyPatch, minutes: int) -> None:
    """For all clocks of this process."""
    own = Clocks.own
    monkeypatch.setattr(Clocks, "own", lambda clocks: own(clocks) + timedelta(minutes=minutes))
