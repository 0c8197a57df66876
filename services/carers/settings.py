"""Declares the settings of carers, beside those of every service that texts."""

from pathlib import Path

from pydantic import Field

from services.platform.delivery.settings.sms import TextSettings


class CarersSettings(TextSettings):
    spool_dir: Path = Field(
        description="a folder of this process's own, for texts that come while the database is away"
    )
    authority: str | None = Field(default=None, min_length=1, description="an authority's id, or left out")
    """Its duty team reads texts from unknown numbers. None: the register's first authority that is no exercise."""
