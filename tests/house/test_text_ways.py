"""One list of the ways to text: settings make those and no others, in its order, and a third needs no column."""

from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock
from uuid import UUID, uuid4

from pydantic import SecretStr

from services.carers.inbound.probes import Probes
from services.platform.delivery.channels.text_ways import Texts, WayHealth
from services.platform.delivery.model import TEXT_WAYS
from services.platform.delivery.settings.sms import TextSettings
from services.platform.option import ways_of
from services.platform.runtime.clocks import Clocks
from services.run import fit_options

SETTINGS: dict[str, Any] = {
    "twilio_account_sid": "AC",
    "twilio_from": "+447700900500",
    "twilio_auth_token": SecretStr("x"),
    "twilio_auth_token_alternate": None,
    "twilio_base_url": None,
    "public_url": "",
    "notify_api_key": SecretStr(f"name-{UUID(int=0)}-{UUID(int=1)}"),
    "notify_template": str(uuid4()),
    "notify_number": "+447700900501",
    "notify_base_url": None,
}
THIRD = cast("Any", SimpleNamespace(way="third", number="+447700900502"))


def test_settings_make_the_ways_of_the_list_in_its_order() -> None:
    assert [each.way for each in _texts().ways] == list(TEXT_WAYS)


def test_a_third_way_has_an_authority_s_own_number_and_is_texted_by_another() -> None:
    health = WayHealth()
    health._numbers = [
        SimpleNamespace(authority="kestrel", way="third", number="+447700900510", sender="K"),
        SimpleNamespace(authority="lapwing", way="third", number="+447700900511", sender=None),
    ]
    sent = [
        health.sender(THIRD, Mock(texted=None, authority=authority)) for authority in ("kestrel", "lapwing", "another")
    ]
    assert sent == ["K", "+447700900511", None]

    twilio, notify = _texts().ways
    probes = Probes(Mock(), Clocks(), Texts(cast("Any", twilio), notify, THIRD))
    assert [(one.way, other.way) for one, other in probes._pairs] == [
        ("twilio", "notify"), ("notify", "third"), ("third", "twilio"),
    ]  # fmt: skip


def _texts() -> Texts:
    settings = TextSettings.model_construct(**SETTINGS)
    return settings.texts(Mock(), Clocks(), ways_of(fit_options(), settings))
