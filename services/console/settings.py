"""Reads the console's own settings."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field

from services.console.policy.sign_in import SessionLimits
from services.platform.delivery.settings.keys import KeySettings


class ConsoleSettings(KeySettings):
    """A session ends `session_idle_minutes` after its last use, and at the latest `session_hours` after it began."""

    session_idle_minutes: int = Field(default=60, ge=1, description="a number of minutes, 1 at least")
    session_hours: int = Field(default=12, ge=1, le=24, description="a number of hours, 1 to 24")
    protocol_dir: Path | None = None
    """The authorities' own protocol files, for the protocol's pages. None: they show the default rules."""

    @property
    def session_limits(self) -> SessionLimits:
        return SessionLimits(timedelta(minutes=self.session_idle_minutes), timedelta(hours=self.session_hours))
