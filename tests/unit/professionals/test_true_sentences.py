"""What is said to staff gives way to what is so, in every channel, and is counted by both names."""

from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

from services import carers, console, strategy
from services.carers import messages as of_carers
from services.professionals.wording import MAIL_LANGUAGES, TEXT_LANGUAGES, say_what_is_so
from services.protocol.checks.rule_checks import WORDINGS
from services.safeguarding.duty import facts
from services.safeguarding.duty.duties import ProfessionalNotify
from services.safeguarding.duty.facts import PRESUPPOSED, Fact
from services.safeguarding.roles import Wording
from services.wording.presuppositions import GAVE_WAY
from tests.support.in_process.delivery import received

HELD, ACCEPTED = Fact.REFERENCE_HELD, Fact.POLICE_ACCEPTED


def told(wording: str, holds: tuple[Fact, ...] | None) -> Any:
    return received(ProfessionalNotify, wording=Wording(wording), holds=holds).content


def counted() -> dict[tuple[str, str], float]:
    return {
        (each.labels["sentence"], each.labels["instead"]): each.value
        for family in GAVE_WAY.collect()
        for each in family.samples
        if each.name.endswith("_total")
    }


@pytest.mark.parametrize(
    ("wording", "holds", "said"),
    [
        ("police-not-acknowledged", (ACCEPTED, Fact.NO_REFERENCE), "police-not-acknowledged"),
        ("police-not-acknowledged", (ACCEPTED, HELD, Fact.OF_A_REPORT), "police-reference-held"),
        ("police-not-acknowledged", (HELD, Fact.OF_A_REPORT), "police-not-reached"),
        ("police-not-acknowledged", (), "police-note-not-reached"),
        ("not-acknowledged", (Fact.SOMEBODY_SAYS_THEY_HAVE_IT,), "said-to-be-taken"),
        ("not-acknowledged", (), "nobody-in-role"),
        ("strategy-quorum-reached", (Fact.POLICE_COME, Fact.SOCIAL_CARE_COMES), "strategy-quorum-by-night"),
        ("strategy-quorum-reached", (Fact.EACH_IS_FREE,), "strategy-without-quorum"),
        ("strategy-quorum-reached", (), "strategy-accepted-twice"),
    ],
)
def test_what_another_release_chose_gives_way_to_what_is_so_and_is_counted_by_both_names(
    wording: str, holds: tuple[Fact, ...], said: str
) -> None:
    before = counted()
    assert say_what_is_so(told(wording, tuple(sorted(holds)))).wording == said
    rose = {each for each, count in counted().items() if count > before.get(each, 0)}
    assert rose == ({(wording, said)} if said != wording else set())


def test_a_release_that_says_nothing_of_what_holds_chose_by_its_own_lights() -> None:
    before = counted()
    assert say_what_is_so(told("police-not-acknowledged", None)).wording == "police-not-acknowledged"
    assert counted() == before


def keys_by_channel() -> dict[str, set[str]]:
    """The wordings that each channel has words for, in any language."""
    console_words = yaml.safe_load((Path(console.__file__).parent / "messages" / "en.yaml").read_text())
    invited = [
        yaml.safe_load(each.read_text()) for each in (Path(strategy.__file__).parent / "messages").glob("*.yaml")
    ]
    return {
        "texts": {str(key) for each in TEXT_LANGUAGES.values() for key in each.texts},
        "texts to carers with a deed": {str(key) for each in TEXT_LANGUAGES.values() for key in each.carers},
        "mails": {str(key) for each in MAIL_LANGUAGES.values() for key in each.mails},
        "alerts to carers": {key for each in of_carers.LANGUAGES for key in of_carers.alert_wordings(each)},
        "invitations": set(chain.from_iterable(each["invitations"] for each in invited)) - {"strategy-record"},
        "console": set(console_words["fields"]["wording"]),
        "police": {str(each) for each in WORDINGS.police},
    }


@pytest.mark.parametrize("channel", sorted(keys_by_channel()))
def test_each_wording_of_each_channel_has_its_line(channel: str) -> None:
    keys = keys_by_channel()[channel]
    assert len(keys) > 0
    assert keys - set(PRESUPPOSED) == set()


@pytest.mark.parametrize("channel", ["texts", "mails", "alerts to carers", "console", "police"])
def test_what_takes_the_place_of_a_sentence_has_words_in_the_same_channel(channel: str) -> None:
    keys = keys_by_channel()[channel]
    said = keys & {str(each) for each in WORDINGS.carers} if channel == "alerts to carers" else keys
    instead = {PRESUPPOSED[each].otherwise for each in said} - {None}
    assert instead - keys == set()


@pytest.mark.parametrize(
    "file",
    [facts.FILE, *(Path(each.__file__ or "").parent / "messages" / "presupposes.yaml" for each in (carers,))],
    ids=["staff", "carers"],
)
def test_no_sentence_has_two_lines_of_which_one_is_lost(file: Path) -> None:
    keys = [line.partition(":")[0] for line in file.read_text().splitlines() if line and line[0] not in "# "]
    assert sorted(keys) == sorted(set(keys))
