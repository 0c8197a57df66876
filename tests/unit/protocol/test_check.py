"""`check` names what is wrong, in which line, and what to write instead."""

from pathlib import Path

import pytest

from services.protocol.checks.check import check
from services.protocol.checks.downgrade import weaker
from services.protocol.checks.rule_checks import GIVEN_BY
from services.protocol.loader import DEFAULT, DEFAULT_RULES, Library, files
from services.safeguarding.duty.facts import PRESUPPOSED, Fact

GOOD = """\
protocol: northshire
version: 2026.2
authority: northshire
rules:
  - id: tell-somebody
    on: child.luring-suspected
    tell: duty.worker
    by: text
    message: needs-human
    otherwise:
      - { after: 15m, tell: duty.senior-manager, by: text, message: not-acknowledged }
      - { after: 30m, tell: duty.head-of-service, by: text, message: not-acknowledged, repeat: 30m }
    because: { cite: [S57], kind: local, note: "for a test" }
"""
LAST = "{ after: 30m, tell: duty.head-of-service, by: text, message: not-acknowledged, repeat: 30m }"


def findings(tmp_path: Path, written: str) -> list[str]:
    (tmp_path / "northshire.yaml").write_text(written)
    return [str(each) for each in check(tmp_path)]


def less(tmp_path: Path, written: str) -> list[str]:
    """What the one rule asks less than the default, were that the guidance's own."""
    (tmp_path / "northshire.yaml").write_text(written)
    library = Library(files(tmp_path))
    [name] = library.read_files[-1].lines
    default, own = library.current(DEFAULT).by_id[name], library.current("northshire").by_id[name]
    guidance = default.because.model_copy(update={"kind": "guidance"})
    return [says for says, _ in weaker(default.model_copy(update={"because": guidance}), own)]


def test_the_default_rules_are_sound() -> None:
    assert check() == []


def test_an_authority_s_own_sound_rule_is_accepted(tmp_path: Path) -> None:
    assert findings(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("written", "instead", "says"),
    [
        (
            "tell: duty.worker",
            "tell: duty.wroker",
            ":7: tell-somebody: tell: duty.wroker is not known; write duty.worker",
        ),
        ("on: child.luring-suspected", "on: child.luring", "child.luring is not known; write child.luring-suspected"),
        ("after: 15m", "after: a while", "no length of time"),
        ("message: needs-human", "message: plan-step-due", "an answer ends it, although plan-step-due asks for a deed"),
        (f"      - {LAST}\n", "", "asked only once"),
        (
            LAST,
            "{ after: 30m, tell: child.social-worker, by: email, message: not-acknowledged }",
            "without a person on duty",
        ),
        (", repeat: 30m", "", "asked only once"),
        (
            "duty.senior-manager, by: text, message: not-acknowledged",
            "duty.senior-manager, by: text, message: watch-opened",
            "its step after 15 minutes says watch-opened, which is of another matter; write the step without `message`",
        ),
        ("after: 30m", "after: 15m", "no later than the one before"),
        ("after: 15m, tell: duty.senior-manager", "after: 15m, repeat: 5m, tell: duty.senior-manager", "never reached"),
        ("cite: [S57]", "cite: [S99]", "neither a paragraph"),
        ("cite: [S57], kind: local", "cite: [DON], kind: guidance", "cites no paragraph"),
        ("cite: [S57]", "cite: []", "because.cite"),
        ("by: text\n    message: needs", "by: webhook\n    message: needs", "not told by webhook"),
        ("message: needs-human", "message: police-told", "words for carers alone"),
        ("    tell: duty.worker", "    among: police\n    tell: duty.worker", "which of everyone-told"),
        ("    tell: duty.worker", "    hours: working\n    workdays: 2\n    tell: duty.worker", "one of `wait`"),
        (
            "    tell: duty.worker",
            "    before: { date: leave.expires, by: [5w] }\n    tell: duty.worker",
            "no length of days",
        ),
        ("    tell: duty.worker", "    until: [child.luring-suspected]\n    tell: duty.worker", "also ends it"),
        ("on: child.luring-suspected", "on: child.reported-missing", "for a child who is back"),
        ("on: child.luring-suspected", "on: child.returned", "the return was a mistake"),
        ("on: child.luring-suspected", "on: { duty: nobody-s-rule, becomes: failed }", "there is no rule"),
        ("on: child.luring-suspected", "on: { duty: tell-somebody, becomes: failed }", "round and round"),
        (
            "    tell: duty.worker",
            "    when: { all: [child.age-disputed], none: [child.age-disputed] }\n    tell: duty.worker",
            "both so and not so",
        ),
        ("    tell: duty.worker", "    when: { all: [child.age-under] }\n    tell: duty.worker", "take a number"),
        ("    by: text\n", "    by: text\n    by: email\n", "duplicate key"),
        ("version: 2026.2\n", "", "no version"),
        (
            "version: 2026.2\n",
            "version: 2026.2\nwatch_on: []\n",
            ":3: watch_on is no word of a protocol file; write watch-on",
        ),
        (
            "version: 2026.2\n",
            "version: 2026.2\nclosing: [police-close]\n",
            "police-close is not known; write police-closed",
        ),
        (
            "version: 2026.2\n",
            "version: 2026.2\nclosing: [police-closed]\n",
            "leaves out safe-and-well-check, return-interview",
        ),
        ("version: 2026.2\n", "version: 2026.2\napproved: me\n", "names who and why"),
        ("    because:", "    untill: [child.returned]\n    because:", "untill: is no word of a rule; write until"),
        ("    because:", "    becuase:", "because is missing"),
        ("message: needs-human", "message: luring-suspected", "luring-suspected tells the same to the same"),
        ("message: needs-human", "message: returned-notice", "returned-notice is not true on child.luring-suspected"),
        (
            "on: child.luring-suspected",
            "on: { duty: tell-police-returned, becomes: acknowledged }",
            "is never acknowledged; write `becomes: accepted`",
        ),
        (
            "on: child.luring-suspected",
            "when: { all: [child.missing] }\n    until: [missing.retracted, return.retracted]\n    on: child.returned",
            "on child.returned it is never so that child.missing",
        ),
    ],
)
def test_a_fault_is_found_and_named(tmp_path: Path, written: str, instead: str, says: str) -> None:
    assert written in GOOD
    found = findings(tmp_path, GOOD.replace(written, instead))
    assert any(says in each for each in found), found


SAYS = """\
protocol: northshire
version: 2026.2
authority: northshire
rules:
  - id: tell-somebody
    on: child.lost-again
    when: { all: [%s], none: [%s] }
    tell: duty.worker
    by: text
    message: %s
    otherwise:
      - { after: 15m, tell: duty.senior-manager, by: text, message: %s }
      - { after: 30m, tell: duty.head-of-service, by: text, message: not-acknowledged, repeat: 30m }
    until: [%s]
    because: { cite: [S57], kind: local, note: "for a test" }
"""
NOT_BACK = ("child.not-back", "child.in-first-72-hours", "child.returned, missing.retracted")
NO_REFERENCE = (
    "child.not-back",
    "police.reference-known",
    "police.reference-given, child.returned, missing.retracted",
)
UNGRADED = ("child.not-back", "police.graded", "police.risk-graded, child.returned, missing.retracted")
GIVES = [
    ("still-missing", Fact.CHILD_NOT_BACK, NOT_BACK, "child.missing or child.not-back"),
    ("search-review-due", Fact.CHILD_NOT_BACK, NOT_BACK, "child.missing or child.not-back"),
    ("reference-missing", Fact.NO_REFERENCE, NO_REFERENCE, "not police.reference-known"),
    ("grade-missing", Fact.NOT_GRADED, UNGRADED, "not police.graded"),
]


def presupposing(tmp_path: Path, message: str, all_: str, none: str, until: str, *, step: str = "") -> list[str]:
    written = SAYS % (all_, none, message, step or message, until)
    return [each for each in findings(tmp_path, written) if "presupposes" in each]


@pytest.mark.parametrize(("message", "fact", "given", "question"), GIVES, ids=[each[0] for each in GIVES])
def test_what_a_message_presupposes_has_to_be_so_at_first_and_to_the_end(
    tmp_path: Path, message: str, fact: Fact, given: tuple[str, str, str], question: str
) -> None:
    asks, refuses, until = given
    assert presupposing(tmp_path, message, asks, refuses, until) == []
    [unasked] = presupposing(tmp_path, message, "child.subject-to-immigration-control", "child.age-disputed", until)
    assert f":5: tell-somebody: {message} presupposes {fact}, which `when` does not give" in unasked
    assert f"write `when` with {question}" in unasked
    [goes_on] = presupposing(tmp_path, message, asks, refuses, "episode.closed")
    assert f"{message} presupposes {fact}, and it would be said once that is over; write `until` with" in goes_on
    assert all(each in goes_on for each in GIVEN_BY[fact][1])


def test_another_question_that_gives_it_will_do_and_one_under_any_will_not(tmp_path: Path) -> None:
    _, refuses, until = NOT_BACK
    assert presupposing(tmp_path, "still-missing", "child.missing", refuses, until) == []
    written = SAYS % ("child.not-back", refuses, "still-missing", "still-missing", until)
    either = written.replace("all: [child.not-back]", "any: [child.not-back, child.in-first-72-hours]")
    assert any("`when` does not give" in each for each in findings(tmp_path, either))


def test_a_message_of_a_step_presupposes_as_much_as_the_rules_own(tmp_path: Path) -> None:
    found = presupposing(tmp_path, "needs-human", "child.age-disputed", "child.not-back", "x", step="still-missing")
    assert found == [], "a word that is none is found first"
    found = presupposing(
        tmp_path, "needs-human", "child.age-disputed", "child.in-first-72-hours", "episode.closed", step="still-missing"
    )
    assert len(found) == 2


def test_a_message_that_can_give_way_presupposes_nothing_of_its_rule(tmp_path: Path) -> None:
    for message in ("police-not-acknowledged", "strategy-quorum-reached", "contact-unreachable"):
        assert PRESUPPOSED[message].otherwise is not None
        assert presupposing(tmp_path, message, "child.age-disputed", "child.missing", "episode.closed") == []


def test_check_knows_what_gives_each_fact_that_no_other_message_stands_in_for() -> None:
    needed = {fact for line in PRESUPPOSED.values() if line.otherwise is None for fact in line.holds}
    assert needed == set(GIVEN_BY)


def test_a_finding_names_file_line_and_rule(tmp_path: Path) -> None:
    found = findings(tmp_path, GOOD.replace("cite: [S57]", "cite: [S99]"))
    assert found[0].startswith("northshire.yaml:5: tell-somebody: S99")


def test_two_rules_of_one_id_are_refused(tmp_path: Path) -> None:
    rule = GOOD[GOOD.index("  - id:") :]
    assert any("two rules have this id" in each for each in findings(tmp_path, GOOD + rule))


POLICE = """\
protocol: northshire
version: 2026.2
authority: northshire
rules:
  - id: luring-suspected
    on: child.luring-suspected
    tell: duty.worker
    by: text
    message: luring-suspected
    otherwise:
      - { after: 5m, again: true }
      - { after: 60m, tell: duty.senior-manager, by: text, message: not-acknowledged }
      - { after: 90m, tell: duty.head-of-service, by: text, message: not-acknowledged, repeat: 30m }
    because: { cite: [S22], kind: local, note: "slower here" }
"""


def test_guidance_is_not_weakened_without_a_name_and_reasons(tmp_path: Path) -> None:
    found = findings(tmp_path, POLICE)
    assert any("duty.senior-manager is no longer told after 15 minutes" in each for each in found)
    approved = POLICE + "    approved: { by: Director of Children's Services, reasons: a pilot of six weeks }\n"
    assert findings(tmp_path, approved) == []


def test_fewer_of_those_who_were_told_are_told_only_with_a_name_and_reasons(tmp_path: Path) -> None:
    head, rules = POLICE.split("rules:", maxsplit=1)[0], (DEFAULT_RULES / "back.yaml").read_text().split("\n  - id: ")
    [default] = [each for each in rules if each.startswith("tell-duty-return-withdrawn")]
    own = f"{head}rules:\n  - id: {default.replace('among: duty', 'among: others')}"
    assert any("of everyone-told, duty are no longer told" in each for each in less(tmp_path, own))


def test_a_stricter_rule_needs_nobody_s_approval(tmp_path: Path) -> None:
    assert findings(tmp_path, POLICE.replace("60m", "10m").replace("90m", "20m")) == []


FOR_POLICE = """\
protocol: northshire
version: 2026.2
authority: northshire
rules:
  - id: tell-police-location-enquiry
    on: location.enquiry-received
    tell: police.control-room
    by: webhook
    message: location-enquiry
    otherwise:
      - { after: 5m, unless: accepted, tell: duty.worker, by: text, message: police-not-reached }
      - { after: 15m, tell: duty.worker, by: text, message: police-not-acknowledged }
      - { after: 30m, tell: duty.senior-manager, by: text, message: police-not-acknowledged }
      - { after: 60m, tell: duty.head-of-service, by: text, message: police-not-acknowledged, repeat: 30m }
    rests: 20m
    because: { cite: [S37], kind: local, note: "for a test" }
"""
WATCH = """\
protocol: northshire
version: 2026.2
authority: northshire
rules:
  - id: social-worker-plans-the-talk
    on: watch.opened
    tell: child.social-worker
    by: email
    message: watch-opened
    otherwise:
      - { after: 4h, tell: child.team-manager, by: email }
      - { after: 8h, tell: duty.worker, by: text }
      - { after: 24h, tell: duty.senior-manager, by: text, message: not-acknowledged }
      - { after: 48h, tell: duty.head-of-service, by: text, message: not-acknowledged, repeat: 24h }
    enough: done
    rests: 24h
    until: [watch.talk-planned, watch.ended]
    because: { cite: [S59], kind: local, note: "for a test" }
"""
LONGER = "an answer lets it rest longer"
NOT_DONE = "an answer ends it, done or not"


@pytest.mark.parametrize(
    ("rule", "instead", "says"),
    [
        (FOR_POLICE, ("rests: 20m", "rests: 20m"), None),
        (FOR_POLICE, ("rests: 20m", "rests: 10m"), None),
        (FOR_POLICE, ("rests: 20m", "rests: 21m"), LONGER),
        (FOR_POLICE, ("    rests: 20m\n", ""), LONGER),
        (WATCH, ("rests: 24h", "rests: 24h"), None),
        (WATCH, ("    enough: done\n", ""), NOT_DONE),
        (WATCH, ("    enough: done\n    rests: 24h\n", "    enough: accepted\n"), "nobody need acknowledge"),
    ],
)
def test_how_long_an_answer_lets_a_duty_rest_is_not_lengthened_without_a_name(
    tmp_path: Path, rule: str, instead: tuple[str, str], says: str | None
) -> None:
    found = less(tmp_path, rule.replace(*instead))
    assert found == [] if says is None else any(says in each for each in found)
    assert not any("asks less than the default" in each for each in findings(tmp_path, rule.replace(*instead)))


@pytest.mark.parametrize(
    ("rule", "instead", "says"),
    [
        (WATCH, ("    rests: 24h\n", ""), "`enough: done` needs"),
        (WATCH, ("    until: [watch.talk-planned, watch.ended]\n", ""), "`enough: done` needs"),
        (FOR_POLICE, ("rests: 20m", "rests: 20m\n    enough: accepted"), "never `rests`"),
        (FOR_POLICE, ("repeat: 30m", "repeat: 10m"), "lets it rest longer than its last person"),
    ],
)
def test_a_rest_that_means_nothing_is_refused(tmp_path: Path, rule: str, instead: tuple[str, str], says: str) -> None:
    assert any(says in each for each in findings(tmp_path, rule.replace(*instead)))


INTERVIEW = (
    WATCH.replace("    enough: done\n", "    deed: return-interview\n")
    .replace("watch.ended]", "return-interview.done]")
    .replace("watch-opened", "return-interview-due")
)
UNDONE = INTERVIEW.replace("    deed: return-interview\n    rests: 24h\n", "")


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (INTERVIEW, None),
        (INTERVIEW.replace("return-interview\n", "return-interview-offer\n"), "it would go on after return-interview-offer is done"),
        (INTERVIEW.replace("    rests: 24h\n", ""), "`enough: done` needs"),
        (INTERVIEW.replace("rests:", "enough: acknowledged\n    rests:"), "a `deed` ends its duty when it is done"),
        (INTERVIEW.replace("return-interview\n", "return-interviews\n"), "write return-interview"),
        (UNDONE, "an answer ends it, although return-interview or return-interview-offer or talk is to be done"),
        (UNDONE.replace("    until", "    enough: accepted\n    until"), None),
    ],
)  # fmt: skip
def test_a_deed_is_ended_by_nothing_less_and_by_all_that_records_it(
    tmp_path: Path, rule: str, says: str | None
) -> None:
    found = findings(tmp_path, rule.replace("social-worker-plans-the-talk", "own-rule"))
    assert found == [] if says is None else any(says in each for each in found)


SECOND = """\
  - id: tell-the-opposite
    on: report.added
    tell: carer.reporting
    by: text
    message: police-not-yet-told
    enough: accepted
    otherwise:
      - { after: 30m, tell: duty.head-of-service, by: text, message: not-acknowledged, repeat: 30m }
    until: [child.returned, missing.retracted]
    because: { cite: [S57], kind: local, note: "for a test" }
"""


def test_two_rules_that_tell_one_person_opposite_things_are_found_and_each_is_named(tmp_path: Path) -> None:
    found = findings(tmp_path, GOOD + SECOND)
    assert [each for each in found if "police-not-yet-told where tell-later-carer-police-told says police-told" in each]


def test_opposite_words_under_conditions_that_exclude_each_other_are_no_contradiction(tmp_path: Path) -> None:
    assert (
        findings(tmp_path, GOOD + SECOND.replace("    tell:", "    when: { none: [police.accepted] }\n    tell:")) == []
    )


def test_what_an_episode_needs_to_close_is_lessened_only_with_a_name_and_reasons(tmp_path: Path) -> None:
    less = GOOD.replace("rules:", "closing: [police-closed]\nrules:", 1)
    assert any("which the default asks" in each for each in findings(tmp_path, less))
    approved = less.replace("rules:", "approved: { by: Director of Children's Services, reasons: a pilot }\nrules:", 1)
    assert findings(tmp_path, approved) == []


ON_WORD = GOOD.replace("rules:", "stand-down: { by-text: word }\nrules:", 1)
APPROVED = "approved: { by: Director of Children's Services, reasons: no handset at the homes }\nrules:"


def test_a_carer_s_word_is_taken_for_proof_only_with_a_name_and_reasons_and_it_is_said_what_that_gives_up(
    tmp_path: Path,
) -> None:
    (found,) = findings(tmp_path, ON_WORD)
    assert "gives up the code from the carer's own handset" in found
    assert "ends the search, and police and all who search are stood down on it" in found
    assert findings(tmp_path, ON_WORD.replace("rules:", APPROVED, 1)) == []
    assert findings(tmp_path, ON_WORD.replace("word", "code", 1)) == []


@pytest.mark.parametrize("written", ["{ by-text: wrod }", "word", "{ by-mail: word }", "[word]"])
def test_a_stand_down_that_nobody_can_read_is_refused(tmp_path: Path, written: str) -> None:
    found = findings(tmp_path, ON_WORD.replace("{ by-text: word }", written))
    assert any("stand-down: { by-text: code }, or word" in each for each in found)


@pytest.mark.parametrize("unproven", ["child.return-claimed", "return.unverified", "claim.seconded"])
def test_nothing_may_end_on_what_is_only_said(tmp_path: Path, unproven: str) -> None:
    ends = GOOD.replace("    because:", f"    until: [{unproven}]\n    because:", 1)
    assert any(f"it ends on {unproven}, which is said and not proved" in each for each in findings(tmp_path, ends))


def test_what_is_proven_is_not_told_of_what_is_only_said(tmp_path: Path) -> None:
    assert any(
        "returned-notice is not true on child.return-claimed" in each
        for each in findings(
            tmp_path,
            GOOD
            + SECOND.replace("police-not-yet-told", "returned-notice").replace("report.added", "child.return-claimed"),
        )
    )
