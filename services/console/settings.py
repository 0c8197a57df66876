"""Reads the console's own settings."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator

from services.console.policy.access import Providers, SessionLimits, read_providers
from services.platform.delivery.settings.keys import KeySettings


def _require_providers(setting: SecretStr | None) -> SecretStr | None:
    """Finds a fault when the console starts, not at the first sign-in."""
    if setting is not None:
        read_providers(setting.get_secret_value())
    return setting


class ConsoleSettings(KeySettings):
    """A session ends `session_idle_minutes` after its last use, and at the latest `session_hours` after it began."""

    session_idle_minutes: int = Field(default=60, ge=1, description="a number of minutes, 1 at least")
    session_hours: int = Field(default=12, ge=1, le=24, description="a number of hours, 1 to 24")
    sign_in_providers: Annotated[
        SecretStr | None, AfterValidator(_require_providers), Field(description="YAML as docs/operating.md has it")
    ] = None
    """A secret file: the organisations that sign their staff in. None: local accounts alone."""
    casework_url: str | None = Field(default=None, description="an address such as http://casework:8080")
    """Where the register's door is, for files that are tried and imported at the console. None: there they are not."""
    protocol_dir: Path | None = None
    """The authorities' own protocol files, for the protocol's pages. None: they show the default rules."""
    fallback_plan: Path | None = None
    """Whose pack for when all is down goes where (`services.options.fallback_pack.pack`). None: no pack is written."""
    pack_key: SecretStr | None = Field(
        default=None,
        validate_default=True,
        description="the base64 of 32 bytes, to sign packs with; needed where there is a fallback_plan",
    )

    @field_validator("pack_key")
    @classmethod
    def _needed_with_plan(cls, key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if key is None and info.data.get("fallback_plan") is not None:
            raise ValueError("is missing")
        return key

    @property
    def providers(self) -> Providers | None:
        found = self.sign_in_providers
        return None if found is None else read_providers(found.get_secret_value())

    @property
    def session_limits(self) -> SessionLimits:
        return SessionLimits(timedelta(minutes=self.session_idle_minutes), timedelta(hours=self.session_hours))
