"""What police is told at its start, beside what every service is."""

from services.platform.delivery.settings import MailSettings


class PoliceSettings(MailSettings):
    """`smtp_...`: notices to forces without an API. `public_url` is where officers reach the pages behind links."""
