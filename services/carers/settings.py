"""What carers is told at its start, beside what every service that texts is."""

from pathlib import Path

from pydantic import Field

from services.platform.delivery.settings import TextSettings


class CarersSettings(TextSettings):
    spool_dir: Path = Field(
        description="a folder of this process's own, for texts that come while the database is away"
    )
    authority: str | None = Field(default=None, min_length=1, description="an authority's id, or left out")
    """Whose duty team reads texts from numbers that nobody knows. Without it, the first of the register that is not for exercises."""
