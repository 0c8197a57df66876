"""Settings of services that read personal columns. Those that text or mail have more (`sms`, `mail`)."""

from datetime import timedelta

from pydantic import Field

from services.platform.delivery.sending.attempt import Prepare
from services.platform.delivery.sending.exercise_guard import block_real_recipients
from services.platform.runtime.settings import ExerciseAuthority, Settings
from services.platform.store.encryption import Keyring, Keys

OUR_ADDRESS = "this service's address as it is reached from outside, such as https://safe-return.kestrel.example"


class KeySettings(Settings):
    """`master_key` and `phone_key`: secret files, each the base64 of 32 bytes. What was sent is forgotten after `retention_days`."""

    master_key: Keys
    phone_key: Keys
    retention_days: int = Field(
        default=400, ge=30, description="the number of days after which what was sent is forgotten, 30 at least"
    )
    exercise_authority: ExerciseAuthority = ""
    """Whose exercises are sent, since its force, numbers and mailboxes are our own. Others reach nobody outside a sandbox."""

    @property
    def retention(self) -> timedelta:
        return timedelta(days=self.retention_days)

    def block_real_recipients(self, prepare: Prepare) -> Prepare:
        return block_real_recipients(prepare, sandbox=self.sandbox, exercise_authority=self.exercise_authority)

    @property
    def keyring(self) -> Keyring:
        return Keyring(self.master_key.get_secret_value(), self.phone_key.get_secret_value())
