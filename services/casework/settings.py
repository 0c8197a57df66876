"""Reads casework's own settings."""

from pydantic import Field

from services.platform.runtime.settings import ExerciseAuthority
from services.platform.store.encryption import KeyringSettings


class CaseworkSettings(KeyringSettings):
    import_brake_share: float = Field(default=0.2, gt=0, le=1, description="a share above 0 and up to 1, such as 0.2")
    """An import that would end more than this share of an authority's carers or directory has to be confirmed."""
    exercise_authority: ExerciseAuthority = ""
    """Reports its made-up child missing every fifteen minutes, to endpoints of our own. Empty: no such reports."""
