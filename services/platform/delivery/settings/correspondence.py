"""Settings of services that text and mail."""

from services.platform.delivery.settings.mail import MailSettings
from services.platform.delivery.settings.sms import TextSettings


class CorrespondenceSettings(TextSettings, MailSettings):
    """For police, `smtp_...` are for notices to forces without an API, `twilio_...` for the codes that open them."""
