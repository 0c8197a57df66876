"""Puts together what is tried for a service, by the settings that it has."""

from collections.abc import Iterator
from functools import partial
from typing import TypeVar

from pydantic import ValidationError

from services.audit.settings import AuditSettings
from services.carers.settings import CarersSettings
from services.casework.settings import CaseworkSettings
from services.console.settings import ConsoleSettings
from services.doctor import checks, outside
from services.doctor.checks import Check, Finding, findings, operating
from services.platform.delivery.settings.correspondence import CorrespondenceSettings
from services.platform.delivery.settings.mail import MailSettings
from services.platform.delivery.settings.sms import TextSettings
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.commands import WHERE_SAID, explain_error
from services.platform.runtime.settings import EnvironmentSettings, SecretsUnread, Settings, SigningKeys
from services.platform.store.encryption import KeyringSettings
from services.protocol.settings import ProtocolSettings

READS: dict[str, type[Settings]] = {
    "casework": CaseworkSettings,
    "carers": CarersSettings,
    "protocol": ProtocolSettings,
    "police": CorrespondenceSettings,
    "strategy": MailSettings,
    "professionals": CorrespondenceSettings,
    "clock": Settings,
    "audit": AuditSettings,
    "console": ConsoleSettings,
}
"""By service, what its `app` reads beside SigningKeys."""
SETTINGS = operating("Settings")
S = TypeVar("S", bound=EnvironmentSettings)


class Examination:
    """Of one service, whose settings and secrets this process has. `copies`: where their keeper tells its metrics."""

    def __init__(self, service: str, copies: str | None = None) -> None:
        self._service, self._copies = service, copies
        self._faults: dict[str, None] = {}

    async def findings(self) -> list[Finding]:
        """What can be tried is tried, with the settings that can be read: wrong ones are all named at once."""
        checks = list(self._checks())
        wrong = [Finding("settings", each, SETTINGS) for each in self._faults]
        return [*(wrong or [Finding("settings", "each is there, and can be read")]), *await findings(checks)]

    def _checks(self) -> Iterator[Check]:
        service, whole = self._service, READS[self._service]
        self._read(whole)
        keys, own = self._read(SigningKeys), self._read(Settings)
        if keys is not None:
            yield Check(
                "signing keys",
                operating("Rotate secrets", "operating-daily.md"),
                lambda: checks.try_signing_key(keys, service),
            )
        if own is not None:
            yield Check("database", operating("Start"), lambda: checks.try_database(own, service))
            yield Check(
                "database's clock",
                operating("The machine", "operating-daily.md"),
                lambda: checks.try_database_clock(own, service),
            )
            yield Check("bus", operating("Start"), lambda: checks.try_bus(own, service))
        if issubclass(whole, KeyringSettings) and (ring := self._read(KeyringSettings)) is not None:
            yield Check(
                "keys", operating("Rotate secrets", "operating-daily.md"), lambda: checks.try_keyring(ring, service)
            )
        if issubclass(whole, TextSettings):
            yield from self._of_texts()
        if issubclass(whole, MailSettings) and (mails := self._read(MailSettings)) is not None:
            page = operating("Which mail is trusted")
            yield Check("mail relay", page, lambda: outside.try_relay(mails, service), outside.BACK_WITHIN_SECONDS + 30)
            yield from self._of_address(mails)
        yield from self._of_one_service()
        if self._copies is not None:
            copies = self._copies
            page = operating("Keep the database elsewhere", "operating-disaster.md")
            yield Check("copies", page, lambda: checks.try_copies(copies, _now()))

    def _of_texts(self) -> Iterator[Check]:
        found, page = self._read(TextSettings), operating("Configure Twilio")
        if found is None:
            return
        yield Check("Twilio's account", page, lambda: outside.try_account(found))
        yield Check("Twilio's number", page, lambda: outside.try_number(found))
        yield Check("Twilio's clock", operating("The machine", "operating-daily.md"), lambda: outside.try_clock(found))
        if self._service == "carers":
            yield Check("Twilio's webhooks", page, lambda: outside.try_hooks(found))
        if found.notify_api_key.get_secret_value():
            page = operating("Configure GOV.UK Notify")
            yield Check("Notify", page, lambda: outside.try_notify(found))
        if not issubclass(READS[self._service], MailSettings):
            yield from self._of_address(found)

    def _of_address(self, found: MailSettings | TextSettings) -> Iterator[Check]:
        page = operating("The doors", "operating-daily.md")
        yield Check("public address", page, lambda: outside.try_address(found, self._service, _now()))

    def _of_one_service(self) -> Iterator[Check]:
        if self._service == "protocol" and (rules := self._read(ProtocolSettings)) is not None:
            page = operating("Check the rules")
            yield Check("rules", page, lambda: checks.try_rules(rules.protocol_dir))
        if self._service == "police" and (known := self._read(KeyringSettings)) is not None:
            yield Check(
                "forces",
                operating("Forces and agencies", "operating-authorities.md"),
                lambda: outside.try_forces(known),
            )
        if self._service == "console" and (console := self._read(ConsoleSettings)) is not None:
            page = operating("Who may sign in at the console")
            if (providers := console.providers) is not None:
                for name in providers.providers:
                    yield Check(f"sign-in by {name}", page, partial(outside.try_provider, providers, name))

    def _read(self, kind: type[S]) -> S | None:
        """None: they are wrong, and it is noted what is."""
        try:
            return kind()
        except (ValidationError, SecretsUnread) as error:
            lines = explain_error(error) or [f"{kind.__name__} cannot be read"]
            self._faults |= dict.fromkeys(line for line in lines if line != WHERE_SAID)
            return None


def _now() -> float:
    return Clocks().own().timestamp()
