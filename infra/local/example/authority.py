"""Loads the example authorities: files in the register's import format, with placeholders for each clone's own values.

`{sandbox}` becomes the sandbox's URL, `{sandbox-tls}` the one with a certificate not to be trusted, `{secret:NAME}` the
webhook secret of that name. The services reach the sandbox at the address `at`.
"""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr
from pyrage import x25519

from infra.local.settings.environment import (
    MAIL_PORTS,
    MAILBOXES,
    NOTIFY_NUMBERS,
    SAFE_RETURN_NUMBER,
    account_sid,
    database,
)
from infra.local.settings.layout import Layout
from infra.local.settings.secret_files import SecretFiles, identifier, key, notify_key, token, webhook_secret, write
from services.casework.settings import CaseworkSettings
from services.options.register_upkeep.credentials import WRITABLE, Credential
from services.options.register_upkeep.importer import Held, Refused, RegisterImporter, Sent
from services.platform.delivery.channels.sms import REPEATED
from services.platform.register.operators import add_credential, hash_token, new_token
from services.platform.runtime.clocks import Clocks
from services.platform.store.query import Query
from services.platform.store.story_clock import opened
from services.safeguarding.identifiers import new_id

FOLDER = Path(__file__).parent
SECRET = re.compile(r"\{secret:([a-z-]+)\}")

Authority = dict[str, Any]
HERE = "127.0.0.1"
OF_THE_GUIDE = "wren"
"""The authority that docs/integrating/register.md loads."""
TOKEN_HOLDS = timedelta(days=90)
LIVE = """
    INSERT INTO register.authorities (id, name, live) VALUES (%(authority)s, %(authority)s, true)
    ON CONFLICT (id) DO UPDATE SET live = true
"""
PROLONG = "UPDATE credentials SET expires_at = %(expires_at)s WHERE token_hash = %(hash)s RETURNING id"
OFFICER = {"name": "PC Rowntree", "collar_number": "WM 2214"}


class ExampleRefused(Exception):
    """An example authority does not hold together; the text says why."""


def authorities(secrets: SecretFiles, ports: Mapping[str, int], at: str = HERE) -> Iterator[Authority]:
    """Each example authority, its placeholders filled in."""
    for file in sorted((FOLDER / "authorities").glob("*.json")):
        yield _filled_in(file, secrets, ports, at)


def organisations(secrets: SecretFiles, ports: Mapping[str, int], at: str = HERE) -> dict[str, list[dict[str, Any]]]:
    """The forces and agencies of the examples, as `services organisations put` takes them."""
    entered: dict[str, list[dict[str, Any]]] = _filled_in(FOLDER / "organisations.json", secrets, ports, at)
    return entered


def _filled_in(file: Path, secrets: SecretFiles, ports: Mapping[str, int], at: str) -> Any:
    text = file.read_text().replace("{sandbox}", f"http://{at}:{ports['sandbox']}")
    text = text.replace("{sandbox-tls}", f"https://{at}:{ports['sandbox-tls']}")
    return json.loads(SECRET.sub(lambda found: secrets.value(found[1], webhook_secret), text))


def load(secrets: SecretFiles, ports: Mapping[str, int]) -> None:
    """Imports every example authority into the register, whether or not casework takes imports. To import it again
    changes nothing. Raises ExampleRefused.
    """
    import_bearer(OF_THE_GUIDE, secrets, ports)
    for authority in authorities(secrets, ports):
        import_bearer(authority["authority"]["id"], secrets, ports)
        asyncio.run(_import(settings_of_casework(secrets, ports), secrets.signing_key("casework"), authority))


async def _import(settings: CaseworkSettings, signing_key: str, authority: Authority) -> None:
    name, clocks = authority["authority"]["id"], Clocks()
    async with opened(settings, "casework", clocks, signing_key=SecretStr(signing_key)) as store:
        importer = RegisterImporter(store, clocks, settings.keyring, settings)
        try:
            await importer.take(name, Sent(authority, sha256(json.dumps(authority).encode()).hexdigest(), "example"))
        except Refused as refused:
            raise ExampleRefused(f"The example authority {name} is refused: {refused.faults}") from None
        except Held as held:
            raise ExampleRefused(f"The example authority {name} would end {held.losses}") from None


def settings_of_casework(secrets: SecretFiles, ports: Mapping[str, int]) -> CaseworkSettings:
    return CaseworkSettings(
        database=database(ports),
        database_password=SecretStr(secrets.database_password("casework")),
        http_port=ports["casework"],
        master_key=SecretStr(secrets.value("master_key", key)),
        phone_key=SecretStr(secrets.value("phone_key", key)),
    )


def import_bearer(authority: str, secrets: SecretFiles, ports: Mapping[str, int]) -> dict[str, str]:
    """The header with this clone's token to import every table of the authority. The first call makes the token, later
    ones prolong it. The authority is entered and live, as by somebody at the console.
    """
    own = secrets.value(f"register-token-{authority}", new_token)
    now = Clocks().wall()
    credential = Credential(new_id("credential"), authority, frozenset(WRITABLE), now + TOKEN_HOLDS)
    asyncio.run(_keep(settings_of_casework(secrets, ports), credential, own, now))
    return {"authorization": f"Bearer {own}"}


async def _keep(settings: CaseworkSettings, credential: Credential, own: str, now: datetime) -> None:
    async with opened(settings, "casework") as store, store.transaction() as uow:
        uow.write(LIVE, {"authority": credential.authority})
        asked = {"hash": hash_token(own), "expires_at": credential.expires_at}
        if not await uow.fetch(Query(PROLONG, asked, bool)):
            await uow.fetch(add_credential(asdict(credential), own, now))


def plan_fallback(layout: Layout) -> None:
    """The example authorities' packs go into two folders, sealed to a key beside them. Once a clone."""
    if layout.fallback_plan.exists():
        return
    folder, identity = layout.fallback_plan.parent, x25519.Identity.generate()
    plan = {"recipients": [str(identity.to_public())], "places": [(folder / each).as_uri() for each in ("one", "two")]}
    names = [json.loads(file.read_text())["authority"]["id"] for file in (FOLDER / "authorities").glob("*.json")]
    write(folder / "example.key", str(identity))
    plans = {name: plan | {"places": [f"{each}/{name}" for each in plan["places"]]} for name in sorted(names)}
    write(layout.fallback_plan, yaml.safe_dump(plans))


def plan_archive(layout: Layout) -> None:
    """The database's copies go into a folder, sealed to a key beside it, and signed by a secret. Once a clone."""
    SecretFiles(layout.secrets).value("backup_key", key)
    if not (layout.archive / "plan.yaml").exists():
        identity = x25519.Identity.generate()
        plan = {
            "recipients": [str(identity.to_public())],
            "place": (layout.archive / "copies").as_uri(),
            "keep_days": 2,
        }
        write(layout.archive / "example.key", str(identity))
        write(layout.archive / "plan.yaml", yaml.safe_dump(plan))


def cast(secrets: SecretFiles, ports: Mapping[str, int], at: str = HERE) -> dict[str, Any]:
    """The sandbox's cast: a phone for every person of the examples and for some strangers, a desk for every force."""
    examples, forces = list(authorities(secrets, ports, at)), organisations(secrets, ports, at)["forces"]
    return {
        "account_sid": account_sid(secrets),
        "auth_token": secrets.value("twilio_auth_token", token),
        "from": SAFE_RETURN_NUMBER,
        "notify": [_notify(service, secrets, ports) for service in NOTIFY_NUMBERS],
        "webhook_url": f"http://127.0.0.1:{ports['carers']}/texts/inbound{REPEATED}",
        "fallback_url": None,
        "voice_url": f"http://127.0.0.1:{ports['carers']}/calls/inbound{REPEATED}",
        "phones": [*_phones(examples), *json.loads((FOLDER / "strangers.json").read_text())],
        "desks": _desks(forces, secrets, ports),
        "mailboxes": _mailboxes(examples, forces),
        "http_port": ports["sandbox"],
        "tls_port": ports["sandbox-tls"],
        "smtp_port": ports["smtp"],
        "own_mailboxes": {address: ports[MAIL_PORTS[service]] for service, address in MAILBOXES.items()},
    }


def _notify(service: str, secrets: SecretFiles, ports: Mapping[str, int]) -> dict[str, Any]:
    key = secrets.value(f"notify_api_key-{service}", notify_key)
    bearers = {each: secrets.value(f"notify_bearer-{each}", token) for each in (service, "carers")}
    return {
        "service_id": key[-73:-37],
        "secret": key[-36:],
        "template_id": secrets.value("notify_template", identifier),
        "number": NOTIFY_NUMBERS[service],
        "bearer": bearers[service],
        "received_bearer": bearers["carers"],
        "receipts_url": f"http://127.0.0.1:{ports[service]}/texts/notify/receipts",
        "received_url": f"http://127.0.0.1:{ports['carers']}/texts/notify/received",
    }


def _mailboxes(examples: list[Authority], forces: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mailboxes of all in the directory, and of control rooms without an API; they answer by themselves."""
    rooms = [
        {"address": force["notice_email"], "name": force["name"], "answers": True, "officer": OFFICER}
        for force in forces
        if "notice_email" in force
    ]
    return rooms + [
        {"address": person["email"], "name": person["name"], "answers": True}
        for example in examples
        for person in example["people"]
        if person["reference"] in {line["person"] for line in example["directory"]}
    ]


def _phones(examples: list[Authority]) -> list[dict[str, Any]]:
    phones = []
    for example in examples:
        placements = {carer["person"]: carer["placement"] for carer in example["carers"]}
        for person in example["people"]:
            placement = placements.get(person["reference"])
            codes = [
                child["code"]
                for child in example["children"]
                if placement is not None and child["placement"] == placement
            ]
            role = "staff" if placement is None else "carer"
            phone = {"number": person["mobile"], "name": person["name"], "role": role, "children": codes}
            phones.append(phone | {"answers": role == "staff"})
    return phones


def _desks(forces: list[dict[str, Any]], secrets: SecretFiles, ports: Mapping[str, int]) -> list[dict[str, Any]]:
    return [
        {
            "force": force["id"],
            "name": force["name"],
            "secrets": force["secrets"],
            "reply_url": f"http://127.0.0.1:{ports['police']}/forces/{force['id']}/replies",
            "reply_secret": secrets.value(f"{force['id']}-reply", webhook_secret),
            "notices_url": f"http://127.0.0.1:{ports['police']}/forces/{force['id']}/notices"
            if "polls" in force
            else None,
            "answers": True,
        }
        for force in forces
        if "secrets" in force
    ]
