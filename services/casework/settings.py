"""What casework is told at its start, beside what every service is."""

from pydantic import Field, SecretStr

from services.runtime.settings import EXERCISE_AUTHORITY, Settings


class CaseworkSettings(Settings):
    master_key: SecretStr
    phone_key: SecretStr
    register_token: SecretStr = Field(min_length=32)
    """Whoever bears it may change the register of any authority: as long as nobody can guess, and never the empty one."""
    exercise_authority: str = Field(default="", pattern=EXERCISE_AUTHORITY)
    """Whose made-up child is reported missing every five minutes, to endpoints of our own. Empty: nobody's."""
