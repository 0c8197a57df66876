"""Tries who is not ours: providers of texts, the mail relay, providers that sign our staff in, forces' systems."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import make_msgid, parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import aiosmtplib
import httpx

from services.console.policy.access import Providers
from services.doctor.checks import Broken, reach, require_near
from services.options.provider_sign_in.pages import OpenId, ProviderAway
from services.options.second_text_way.notify import NotifyWay
from services.platform.delivery.channels.sms import REPEATED
from services.platform.delivery.channels.webhook import Trust
from services.platform.delivery.inbound_mail.classifier import ReadMail
from services.platform.delivery.settings.mail import MailSettings
from services.platform.delivery.settings.sms import TextSettings
from services.platform.register.organisations import Force, decode_version, in_force
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import KeyringSettings
from services.platform.store.query import Query, Rows
from services.platform.store.story_clock import opened

TWILIO = "https://api.twilio.com"
API = "/2010-04-01/Accounts"
HOOKS = {"sms": ("/texts/inbound", "webhook"), "voice": ("/calls/inbound", "voice webhook")}
CLOCKS_APART_SECONDS = 5.0
"""A Date header has whole seconds."""
PLACEHOLDER = "((message))"


async def ask_twilio(settings: TextSettings, path: str, **query: str) -> httpx.Response:
    """Raises Broken."""
    login = (settings.twilio_account_sid, settings.twilio_tokens()[0])
    base = settings.twilio_base_url or TWILIO
    try:
        async with httpx.AsyncClient(auth=login, timeout=10, trust_env=False) as client:
            answer = await client.get(f"{base}{API}/{settings.twilio_account_sid}{path}", params=query)
    except httpx.HTTPError as error:
        raise Broken(f"Twilio does not answer ({type(error).__name__})") from None
    if answer.status_code == 401:
        raise Broken("Twilio refuses SAFE_RETURN_TWILIO_ACCOUNT_SID with the secret twilio_auth_token")
    if answer.status_code == 404:
        raise Broken("Twilio knows no account SAFE_RETURN_TWILIO_ACCOUNT_SID")
    if not answer.is_success:
        raise Broken(f"Twilio answers {answer.status_code}")
    return answer


async def try_account(settings: TextSettings) -> str:
    account = (await ask_twilio(settings, ".json")).json()
    if account["status"] != "active":
        raise Broken(f"the account is {account['status']}")
    trial = ". It is a trial's: it texts only numbers that were verified there" if account["type"] == "Trial" else ""
    return f"lets us in, and the account is active{trial}"


async def try_number(settings: TextSettings) -> str:
    number = await _number(settings)
    missing = [each for each in ("sms", "voice") if not number["capabilities"].get(each)]
    if missing:
        raise Broken(f"SAFE_RETURN_TWILIO_FROM cannot do: {', '.join(missing)}")
    return "the number is the account's, and takes texts and calls"


async def try_hooks(settings: TextSettings) -> str:
    """For carers, whom Twilio calls for each text and call."""
    number = await _number(settings)
    faults = [fault for kind in HOOKS for fault in _faults_of(number, kind, settings)]
    if faults:
        raise Broken("; ".join(faults))
    return "texts and calls are handed to us" + (
        "" if settings.sandbox else ", and to the stand-in if we do not answer"
    )


def _faults_of(number: Any, kind: str, settings: TextSettings) -> Iterator[str]:
    path, name = HOOKS[kind]
    given, right = number[f"{kind}_url"] or "", f"{settings.public_url.rstrip('/')}{path}{REPEATED}"
    fallback = number[f"{kind}_fallback_url"] or ""
    if number[f"{kind}_application_sid"] or (kind == "voice" and number["trunk_sid"]):
        yield f"an application or a trunk has the place of the {name}: Twilio then asks that, and not us"
    elif not given:
        yield f"the {name} is not set: {right} is right"
    elif given != right:
        ends = given.partition("#")[0] == right.partition("#")[0]
        yield f"the {name} {f'lacks its ending {REPEATED}' if ends else f'is another address than {right}'}"
    elif number[f"{kind}_method"] != "POST":
        yield f"the {name} is called by {number[f'{kind}_method']}, and must be by POST"
    if settings.sandbox:
        return
    if not fallback:
        yield f"the {name} has no fallback URL: while all of this is down, nobody is answered"
    elif urlsplit(fallback).hostname == urlsplit(right).hostname:
        yield f"the {name}'s fallback URL is on the same host, and goes down with it"


async def try_clock(settings: TextSettings) -> str:
    before = Clocks().own().timestamp()
    answer = await ask_twilio(settings, ".json")
    theirs = parsedate_to_datetime(answer.headers["date"]).timestamp()
    now = Clocks().own().timestamp()
    return require_near(now, theirs, "Twilio", CLOCKS_APART_SECONDS, gone=now - before)


async def _number(settings: TextSettings) -> Any:
    found = (await ask_twilio(settings, "/IncomingPhoneNumbers.json", PhoneNumber=settings.twilio_from)).json()
    numbers = [each for each in found["incoming_phone_numbers"] if each["phone_number"] == settings.twilio_from]
    if not numbers:
        raise Broken("the account has no number SAFE_RETURN_TWILIO_FROM")
    return numbers[0]


async def try_notify(settings: TextSettings) -> str:
    key, base = settings.notify_api_key.get_secret_value(), settings.notify_base_url
    way = NotifyWay(api_key=key, template=settings.notify_template, base_url=base)
    await way.start()
    try:
        answer = await way.ask_template()
    except httpx.HTTPError as error:
        raise Broken(f"Notify does not answer ({type(error).__name__})") from None
    finally:
        await way.stop()
    if answer.status_code in {401, 403}:
        raise Broken("Notify refuses the secret notify_api_key, or this machine's clock is wrong")
    if answer.status_code == 404:
        raise Broken("the service at Notify has no template SAFE_RETURN_NOTIFY_TEMPLATE")
    if not answer.is_success:
        raise Broken(f"Notify answers {answer.status_code}")
    template = answer.json()
    if template.get("type") != "sms" or template.get("body", "").strip() != PLACEHOLDER:
        raise Broken(f"the template at Notify must be a text message that is {PLACEHOLDER} and nothing else")
    return "lets us in, and the template is as it must be"


BACK_WITHIN_SECONDS = 60.0
BESIDE_WITHIN_SECONDS = 3.0
SUBJECT = "Safe Return tries its mail relay"


async def try_relay(settings: MailSettings, service: str = "") -> str:
    """Where the running service has the port, here or in the container named after it, it takes the mail, as any
    automatic one, and its log has the verdict.
    """
    port = settings.smtp_listen_port
    if not _is_free(settings.smtp_listen_host, port) or (service and await runs_beside(service, port)):
        await _send(settings, str(uuid4()))
        return (
            "takes our mail. The running service has the port for mail: its log says whether the relay vouches for it"
            " (`a mail was read`)"
        )
    mark, back = str(uuid4()), asyncio.get_running_loop().create_future()

    async def takes(mail: ReadMail) -> str:
        if mark not in mail.words:
            raise ConnectionError  # somebody's answer: the relay is asked to keep it
        if not back.done():
            back.set_result(mail.authenticated)
        return "ours"

    listener = settings.mail_listener(takes)
    await listener.start()
    try:
        await _send(settings, mark)
        async with asyncio.timeout(BACK_WITHIN_SECONDS):
            vouched = await back
    except TimeoutError:
        raise Broken(
            f"the relay took our mail to {settings.smtp_from}, and did not hand it over at port"
            f" {settings.smtp_listen_port} within {BACK_WITHIN_SECONDS:.0f} s (can it reach that port of this container?)"
        ) from None
    finally:
        await listener.stop()
    if not vouched:
        raise Broken(
            f"the mail came back, and the relay does not vouch for it under the name {settings.smtp_authserv_id}:"
            " no answer by mail would be believed"
        )
    return "takes our mail, hands it over, and vouches for it"


async def _send(settings: MailSettings, mark: str) -> None:
    mail = EmailMessage()
    mail["From"] = mail["To"] = settings.smtp_from
    mail["Subject"], mail["Message-ID"] = f"{SUBJECT} {mark}", make_msgid(domain="doctor.invalid")
    mail["Auto-Submitted"] = "auto-generated"  # so that nobody answers, and no person has to read it
    mail.set_content("This mail is about nobody.\n")
    medium = settings.email_medium()
    await medium.start()
    client = medium.client(None)
    try:
        async with client:
            await client.sendmail(settings.smtp_from, [settings.smtp_from], mail.as_bytes())
    except aiosmtplib.SMTPAuthenticationError:
        raise Broken("the relay refuses the secrets smtp_user and smtp_password") from None
    except aiosmtplib.SMTPRecipientsRefused:
        raise Broken("the relay takes no mail to SAFE_RETURN_SMTP_FROM") from None
    except aiosmtplib.SMTPResponseException as refusal:
        raise Broken(f"the relay refuses a mail from and to SAFE_RETURN_SMTP_FROM ({refusal.code})") from None
    except (aiosmtplib.SMTPException, OSError) as error:
        cause = error.__cause__ or error
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise Broken(f"the relay shows a certificate that does not hold: {cause.verify_message}") from None
        if type(error) is aiosmtplib.SMTPException:  # so the library says what a relay does not offer
            raise Broken("the relay offers no STARTTLS, or no login as smtp_user and smtp_password need it") from None
        raise Broken(f"no relay answers at {settings.smtp_host}, port {settings.smtp_port}") from None
    finally:
        await medium.stop()


async def try_address(settings: MailSettings | TextSettings, service: str, now: float) -> str:
    """A played world's address on loopback is none of a second container's: the service is reached by its name."""
    parts, port = urlsplit(settings.public_url), settings.http_port
    played = settings.sandbox and parts.hostname == "127.0.0.1"
    if played and await runs_beside(service, port):
        return await reach(f"http://{service}:{port}", now)
    return await reach(settings.public_url, now)


async def runs_beside(service: str, port: int) -> bool:
    """Whether the service itself answers in the container of that name: Compose runs the doctor in one of its own."""
    try:
        async with asyncio.timeout(BESIDE_WITHIN_SECONDS):
            await reach(f"http://{service}:{port}", 0.0)
    except (Broken, TimeoutError):
        return False
    return True


def _is_free(host: str, port: int) -> bool:
    """The listener itself would share the port, and each would get some of the mails."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError:
            return False
    return True


EVERY_FORCE = "SELECT * FROM register.forces_for_police ORDER BY force, effective_at NULLS LAST"


async def try_provider(providers: Providers, name: str) -> str:
    """Its description and its keys. Whether it knows our client shows at the first sign-in."""
    try:
        count = len(await OpenId(providers).keys_of(name))
    except ProviderAway:
        issuer = providers.providers[name].issuer
        raise Broken(f"{issuer} does not answer as OpenID Connect has it, or under another name") from None
    if not count:
        raise Broken("it shows no key by which a sign-in could be checked")
    return f"describes itself, and shows {count} keys"


async def forces(settings: KeyringSettings) -> list[Force]:
    """Those in force now, as police reaches them."""
    clocks, keyring = Clocks(), settings.keyring

    def decode(rows: Rows) -> list[Force]:
        versions: dict[str, list[Force]] = {}
        for row in rows:
            versions.setdefault(row.force, []).append(decode_version(keyring, row))
        return [now for each in versions.values() if (now := in_force(each, clocks.wall())) is not None]

    async with opened(settings, "police", clocks) as store, store.read() as reader:
        return await reader.fetch(Query(EVERY_FORCE, {}, decode))


async def try_forces(settings: KeyringSettings) -> str:
    """Connects to each, with the certificates that a notice would use, and sends nothing: `police test` does."""
    reached = [each for each in await forces(settings) if each.notice_url is not None]
    tried = await asyncio.gather(*(_reach(each) for each in reached), return_exceptions=True)
    faults = [
        f"{force.force}: {fault if isinstance(fault, Broken) else type(fault).__name__}"
        for force, fault in zip(reached, tried, strict=True)
        if isinstance(fault, BaseException)
    ]
    if faults:
        raise Broken("; ".join(faults))
    return (
        f"each of {len(reached)} that have an address answers there (`police test FORCE` sends a notice about nobody)"
    )


async def _reach(force: Force) -> str:
    trust = Trust(force.private_ca, force.client_certificate)
    return await reach(force.notice_url or "", Clocks().own().timestamp(), trust.context)
