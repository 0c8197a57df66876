"""What police is told at its start, beside what every service is."""

from pydantic import Field

from services.delivery.settings import MailSettings
from services.runtime.settings import EXERCISE_AUTHORITY


class PoliceSettings(MailSettings):
    """`smtp_...`: notices to forces without an API. `public_url` is where officers reach the pages behind links."""

    exercise_authority: str = Field(default="", pattern=EXERCISE_AUTHORITY)
    """Whose exercises are sent, since its forces are endpoints of our own. Other exercises reach no force outside a sandbox."""
