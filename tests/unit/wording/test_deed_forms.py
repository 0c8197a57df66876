"""Every form of a deed has its words in every language, and no words are left over."""

import pytest

from services.safeguarding.deeds import DEED_SPECS, Fault
from services.wording import languages_in
from services.wording.deed_forms import FOLDER, DeedWords

ASKED = {each.name: each for spec in DEED_SPECS.values() for each in spec.asks}


@pytest.mark.parametrize("language", sorted(languages_in(FOLDER)))
def test_every_form_has_its_words(language: str) -> None:
    words = DeedWords.read(language)
    assert set(words.forms) == set(words.names) == set(DEED_SPECS)
    for deed, spec in DEED_SPECS.items():
        said = words.forms[deed]
        assert {"title", "follows", "button"} <= set(said)
        own = set(said) - {"title", "follows", "button", "only", "cannot", "correcting"}
        assert own <= {each.name for each in spec.asks} | {f"{each.name}_hint" for each in spec.asks}
        assert all(words.label(deed, each) for each in spec.asks)
    assert set(words.asked) == set(ASKED)
    assert set(words.faults) == set(Fault)
    offered = {(each.name, choice) for spec in DEED_SPECS.values() for each in spec.asks for choice in each.choices}
    assert offered == {(name, choice) for name, each in ASKED.items() for choice in words.choices(each)}
    assert words.page.keys() == DeedWords.read().page.keys()
