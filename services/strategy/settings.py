"""What strategy is told at its start, beside what every service that mails is."""

from services.platform.delivery.settings import MailSettings


class StrategySettings(MailSettings):
    pass
