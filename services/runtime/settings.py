"""Settings every service shares: environment variables `SAFE_RETURN_...`, and secrets from files."""

import os
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

EXERCISE_AUTHORITY = r"^(exercise(-[a-z0-9]+)*)?$"
"""An authority that exists for exercises alone, and says so in its id: no other can be named as one by mistake."""


class Settings(BaseSettings):
    """Read once at start. A missing or malformed setting raises pydantic's ValidationError, which names it.

    A secret is a file of the setting's name in the folder `SAFE_RETURN_SECRETS_DIR`; each service has a folder of its own,
    so that none can read what it has no need of.
    """

    model_config = SettingsConfigDict(env_prefix="SAFE_RETURN_", extra="ignore", frozen=True, hide_input_in_errors=True)

    database: str = "postgresql://127.0.0.1:5432/safe_return"
    """Without user and password: the login role is the service's name."""
    database_password: SecretStr = Field(min_length=1)
    database_connections: int = Field(default=8, ge=2)
    kafka: str = "127.0.0.1:9092"
    http_host: str = "127.0.0.1"
    """The address to listen on. In a container: 0.0.0.0, behind a network of its own."""
    http_port: int = Field(ge=1, le=65535)
    slot: int | None = Field(default=None, ge=0)
    """This process's stable identity among its replicas. None where processes come and go (autoscaling)."""
    sandbox: bool = False
    """Declares that the outside world is played: only then may story time move and loopback addresses be called."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic passes it by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic passes it by name
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        folder = os.environ.get("SAFE_RETURN_SECRETS_DIR")
        if folder is None:
            return init_settings, env_settings
        secrets = SecretsSettingsSource(settings_cls, secrets_dir=Path(folder), env_prefix="")
        return init_settings, secrets, env_settings
