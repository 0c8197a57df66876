"""Reads the settings of police: those of every service, and its own."""

from services.platform.delivery.settings.mail import MailSettings


class PoliceSettings(MailSettings):
    """`smtp_...`: notices to forces without an API. `public_url` is where officers reach the pages behind links."""
