"""What casework is told at its start, beside what every service is."""

from pydantic import Field, SecretStr

from services.platform.runtime.settings import ExerciseAuthority, Settings
from services.platform.store.encryption import Keys


class CaseworkSettings(Settings):
    master_key: Keys
    phone_key: Keys
    register_token: SecretStr = Field(min_length=32, description="32 characters or more that nobody can guess")
    """Whoever bears it may change the register of any authority: as long as nobody can guess, and never the empty one."""
    exercise_authority: ExerciseAuthority = ""
    """Whose made-up child is reported missing every five minutes, to endpoints of our own. Empty: nobody's."""
