"""Holds the settings of strategy."""

from services.platform.delivery.settings import MailSettings


class StrategySettings(MailSettings):
    pass
