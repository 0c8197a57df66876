"""Settings of services that read personal columns. Those that text or mail have more (`sms`, `mail`)."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from services.platform.delivery.sending.attempt import Prepare, block_real_recipients
from services.platform.runtime.settings import ExerciseAuthority, require_played
from services.platform.store.encryption import KeyringSettings


def _require_played_or_safe(url: str, others: ValidationInfo) -> str:
    if not others.data.get("sandbox") and urlsplit(url).scheme != "https":
        raise PydanticCustomError("beside_world", "no https URL")
    return require_played(url, others)


def _require_nothing_or_safe(url: str, others: ValidationInfo) -> str:
    return _require_played_or_safe(url, others) if url else url


ConsoleAddress = Annotated[
    str,
    AfterValidator(_require_nothing_or_safe),
    Field(description="the console's address for browsers, such as https://console.kestrel.example, or left out"),
]
OurAddress = Annotated[
    str,
    AfterValidator(_require_played_or_safe),
    Field(
        description="this service's address as it is reached from outside, such as https://safe-return.kestrel.example"
    ),
]


class KeySettings(KeyringSettings):
    exercise_authority: ExerciseAuthority = ""
    """Whose exercises are sent: its force, numbers and mailboxes are our own. Others reach nobody outside a sandbox."""

    def block_real_recipients(self, prepare: Prepare) -> Prepare:
        return block_real_recipients(prepare, sandbox=self.sandbox, exercise_authority=self.exercise_authority)
