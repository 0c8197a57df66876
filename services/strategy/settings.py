"""What strategy is told at its start, beside what every service that mails is."""

from pydantic import Field

from services.delivery.settings import MailSettings


class StrategySettings(MailSettings):
    """`smtp_listen_port` is where the authority's relay hands over mail to `smtp_from`; `smtp_listen_host` on which address."""

    smtp_listen_host: str = "127.0.0.1"
    smtp_listen_port: int = Field(ge=1, le=65535)
