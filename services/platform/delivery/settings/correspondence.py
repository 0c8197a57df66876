"""Settings of services that text and mail."""

from services.platform.delivery.settings.mail import MailSettings
from services.platform.delivery.settings.sms import TextSettings


class CorrespondenceSettings(TextSettings, MailSettings):
    """Of police, `smtp_...` for notices to forces without an API, and `twilio_...` for the codes that open them."""
