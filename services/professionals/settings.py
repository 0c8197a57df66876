"""What professionals is told at its start, beside what every service is."""

from services.platform.delivery.settings import MailSettings, TextSettings


class ProfessionalsSettings(TextSettings, MailSettings):
    pass
