"""What casework is told at its start, beside what every service is."""

from pydantic import SecretStr

from services.runtime.settings import Settings


class CaseworkSettings(Settings):
    master_key: SecretStr
    phone_key: SecretStr
    register_token: SecretStr
    """Whoever bears it may change the register of any authority."""
