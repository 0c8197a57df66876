"""Whether Twilio sent it: on the public URL, whatever a proxy makes of it, with either token, over every kind of form."""

from itertools import product
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import ImmutableMultiDict
from twilio.request_validator import RequestValidator

from services.platform.delivery.channels.sms import signature_is_valid

TOKENS = ("primary", "alternate")
URLS = (
    "https://texts.kestrel.example/texts/inbound",
    "https://texts.kestrel.example/safe-return/texts/status?delivery=7b0c",
    "https://texts.kestrel.example:8443/texts/inbound",
    "http://127.0.0.1:8102/texts/inbound",
    "https://texts.kestrel.example/texts/inbound?a=1&b=%20&c=",
)
FORMS: tuple[tuple[tuple[str, str], ...], ...] = (
    (),
    (("Body", ""), ("From", "+447700900100")),
    (("Body", "Amara's gone \U0001f622, mae'n hwyr: ŵyŷ"), ("From", "+447700900100")),
    (("Body", "50% of 3+4 & more = ?"), ("FromCity", "")),
    (("MediaUrl0", "https://x.example/1?a=b"), ("MediaUrl1", "https://x.example/2"), ("NumMedia", "2")),
    (("To", "+447700900500"), ("to", "lower"), ("A", "z")),
    (("Body", "one"), ("Body", "two")),
    (("Body", "a" * 1600),),
)
forms = st.lists(
    st.tuples(st.text(min_size=1, max_size=12), st.text(max_size=60)), max_size=6, unique_by=lambda e: e[0]
)


def other_ports(url: str) -> list[str]:
    """The same with and without the scheme's own port: Twilio signs either."""
    port = {"https": 443, "http": 80}[urlsplit(url).scheme]
    parts = urlsplit(url)
    bare = parts._replace(netloc=str(parts.hostname)).geturl()
    with_port = parts._replace(netloc=f"{parts.hostname}:{port}").geturl()
    return [url] if parts.port is not None else [bare, with_port]


def sign(url: str, form: tuple[tuple[str, str], ...], token: str) -> str:
    return str(RequestValidator(token).compute_signature(url, ImmutableMultiDict(form)))


CASES = [
    (url, signed_url, form, token)
    for url, form, token in product(URLS, FORMS, TOKENS)
    for signed_url in other_ports(url)
]


@pytest.mark.parametrize(("url", "signed_url", "form", "token"), CASES)
def test_what_twilio_signed_is_taken(url: str, signed_url: str, form: tuple[tuple[str, str], ...], token: str) -> None:
    assert signature_is_valid(url, ImmutableMultiDict(form), sign(signed_url, form, token), TOKENS)


@pytest.mark.parametrize(("url", "form"), list(product(URLS, FORMS)))
def test_another_url_form_or_token_is_not(url: str, form: tuple[tuple[str, str], ...]) -> None:
    signature = sign(url, form, TOKENS[0])
    sent = ImmutableMultiDict(form)
    more = ImmutableMultiDict([*form, ("Extra", "1")])
    assert not signature_is_valid(url + "x", sent, signature, TOKENS)
    assert not signature_is_valid(url.replace("://", "://evil."), sent, signature, TOKENS)
    assert not signature_is_valid(url, more, signature, TOKENS)
    assert not signature_is_valid(url, sent, signature, ("an old one",))
    assert not signature_is_valid(url, sent, signature, ())
    assert not signature_is_valid(url, sent, signature[:-2], TOKENS)
    assert not signature_is_valid(url, sent, "", TOKENS)


@given(st.sampled_from(URLS), forms, forms, st.sampled_from(TOKENS))
def test_a_signature_is_good_for_its_own_form_alone(
    url: str, form: list[tuple[str, str]], other: list[tuple[str, str]], token: str
) -> None:
    signature = sign(url, tuple(form), token)
    assert signature_is_valid(url, ImmutableMultiDict(form), signature, TOKENS)
    joined = ["".join(f"{name}{value}" for name, value in sorted(each)) for each in (form, other)]
    assert signature_is_valid(url, ImmutableMultiDict(other), signature, TOKENS) is (joined[0] == joined[1])


@given(st.text(max_size=40))
def test_whatever_stands_in_the_header_nothing_raises_and_nothing_is_taken(signature: str) -> None:
    assert not signature_is_valid(URLS[0], ImmutableMultiDict(FORMS[1]), signature, TOKENS)
