"""Reads the settings of police: those of every service, and its own."""

from services.platform.delivery.settings.mail import MailSettings
from services.platform.delivery.settings.sms import TextSettings


class PoliceSettings(TextSettings, MailSettings):
    """`smtp_...`: notices to forces without an API; `twilio_...`: the codes that open them, at `public_url`."""
