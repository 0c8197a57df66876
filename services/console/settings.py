"""Reads the console's own settings."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from services.console.policy.sign_in import SessionLimits
from services.platform.delivery.settings.keys import KeySettings


class ConsoleSettings(KeySettings):
    """A session ends `session_idle_minutes` after its last use, and at the latest `session_hours` after it began."""

    session_idle_minutes: int = Field(default=60, ge=1, description="a number of minutes, 1 at least")
    session_hours: int = Field(default=12, ge=1, le=24, description="a number of hours, 1 to 24")
    protocol_dir: Path | None = None
    """The authorities' own protocol files, for the protocol's pages. None: they show the default rules."""
    fallback_plan: Path | None = None
    """Whose pack for when all is down goes where (`services.console.fallback.plan`). None: no pack is written."""
    pack_key: SecretStr | None = Field(
        default=None,
        validate_default=True,
        description="the base64 of 32 bytes, to sign packs with; needed where there is a fallback_plan",
    )

    @field_validator("pack_key")
    @classmethod
    def _needed_with_plan(cls, key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if key is None and info.data.get("fallback_plan") is not None:
            msg = "is missing"
            raise ValueError(msg)
        return key

    @property
    def session_limits(self) -> SessionLimits:
        return SessionLimits(timedelta(minutes=self.session_idle_minutes), timedelta(hours=self.session_hours))
