"""What the console is told at its start, beside what every service is."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field

from services.console.policy.sign_in import Lasting
from services.platform.delivery.settings import KeySettings


class ConsoleSettings(KeySettings):
    """A session ends `session_idle_minutes` after its last use, and `session_hours` after its beginning at the latest."""

    session_idle_minutes: int = Field(default=60, ge=1, description="a number of minutes, 1 at least")
    session_hours: int = Field(default=12, ge=1, le=24, description="a number of hours, 1 to 24")
    protocol_dir: Path | None = None
    """The authorities' own protocol files, to show them. None: the default rules are shown for every authority."""

    @property
    def lasting(self) -> Lasting:
        return Lasting(timedelta(minutes=self.session_idle_minutes), timedelta(hours=self.session_hours))
