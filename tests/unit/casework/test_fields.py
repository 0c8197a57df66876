"""What an import's fields take, and as what."""

import pytest
from pydantic import TypeAdapter, ValidationError

from services.options.register_upkeep.policy.rows import Email

EMAIL: TypeAdapter[str] = TypeAdapter(Email)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Sian.Owen@Ysgol.example", "Sian.Owen@Ysgol.example"),
        ("desg_1@a_b.example", "desg_1@a_b.example"),
        ("desg@tŷ-gwyn.cymru", "desg@xn--t-gwyn-pob.cymru"),
        ("desg@TŶ-gwyn.cymru", "desg@xn--t-gwyn-pob.cymru"),
    ],
)
def test_an_address_is_kept_as_mail_servers_know_it(given: str, kept: str) -> None:
    assert EMAIL.validate_python(given) == kept
    assert kept.isascii()


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("siân.owen@ysgol.cymru", "before the @"),
        ("desg@☎-.example", "domain"),
        (f"desg@{'ŵ' * 100}.example", "domain"),
        (f"desg@{'.'.join(['ŵyn'] * 60)}.example", "domain"),
    ],
)
def test_an_address_that_no_relay_need_take_is_refused(given: str, wanted: str) -> None:
    with pytest.raises(ValidationError, match=wanted):
        EMAIL.validate_python(given)
