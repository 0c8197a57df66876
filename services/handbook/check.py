"""Runs everything that `python -m services check` proves: the rules, and every word that they send.

Each text and mail that a rule can send has to exist, to arrive in one piece, and to give nobody away.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from string import Formatter

from services.carers import messages as carers
from services.handbook.stories import golden_stories
from services.platform.delivery.channels.sms import REPEAT_MARK, is_gsm, segments, units
from services.professionals.wording import MAIL_LANGUAGES, MAILS, TEXT_LANGUAGES, TEXTS
from services.protocol.checks.check import check as faults_of_rules
from services.protocol.checks.downgrade import GIVEN_UP, ON_WORD
from services.protocol.checks.spelling import Finding
from services.protocol.loader import DEFAULT, DEFAULT_RULES, RulesFile, files, is_of_rules, passed_over, readable
from services.safeguarding.identifiers import CODE_LENGTH
from services.safeguarding.roles import CARERS, Channel, Role, Wording
from services.strategy import invitations

WIDEST_CODE = "W" * CODE_LENGTH
"""Every letter of a code takes one septet; any five show the length."""
WIDEST_CHILD = "C9999"
PHONE_COMPANYS_OWN = frozenset(
    {
        "STOP", "STOPALL", "START", "UNSTOP", "YES", "HELP", "INFO", "END", "CANCEL", "QUIT", "UNSUBSCRIBE",
        "OPTOUT", "REVOKE",
    }
)  # fmt: skip
"""The phone company takes these words for itself, and we never hear of them."""
TELLS_TO_TEXT = re.compile(r"(?i:text|reply|send|answer|write|tecstiwch|atebwch|anfonwch) +[\"']?(?P<word>[A-Za-z]+)")
LOUD = re.compile(r"\b[A-Z]{3,}\b")
GIVES_AWAY = re.compile(
    r"asylum|migra|refugee|visa\b|traffick|slavery|foster|care home|unaccompanied|lloches|mewnfud|masnach",
    re.IGNORECASE,
)
"""But for a mail about the referral itself (`faults_of`): whoever is to refer must read what to, and why."""
FILLED_IN = frozenset({"code", "duty_line", "police", "duty", "day", "time", "minutes", "missing", "role", "asked"})
"""The code, the duty line, how far police and duty team are, when a discussion is and how long, how many children are
missing, the reader's role, that of whoever was asked before. Nothing of a child.
"""


@dataclass(frozen=True)
class Text:
    """One text of one language, as written. `around` is all that may be put before and after it."""

    file: Path
    name: str
    says: str
    around: str

    @cached_property
    def longest(self) -> str:
        return self.around + self.says

    @property
    def line(self) -> int:
        lines = self.file.read_text(encoding="utf-8").splitlines()
        return next((at for at, each in enumerate(lines, 1) if each.strip().startswith(f"{self.name}:")), 1)


def faults() -> list[Finding]:
    """Faults of the words alone, for any rule that sends them."""
    return [
        Finding(each.file, each.line, each.name, says, instead)
        for each in (*_texts_to_professionals(), *_texts_to_carers(), *_mails())
        for says, instead in faults_of(each)
    ]


def faults_of(text: Text) -> Iterator[tuple[str, str]]:
    is_mail = not text.around
    if not is_mail and segments(text.longest) > 1:
        over = units(text.longest) - 160
        yield (
            (f"it is {over} characters too long for one text", f"{over} characters less")
            if is_gsm(text.longest)
            else ("a letter of it is not in the phones' own alphabet, and halves its room", "plain letters")
        )
    for _, field, _, _ in Formatter().parse(text.says):
        if field is not None and field not in FILLED_IN:
            yield f"{{{field}}} could carry something of a child", "words that are the same for every child"
    words = {found["word"].upper() for found in TELLS_TO_TEXT.finditer(text.says)} | set(LOUD.findall(text.says))
    for word in sorted(words & PHONE_COMPANYS_OWN):
        yield f"{word} is the phone company's own word: whoever texts it does not reach us", "another word"
    found = GIVES_AWAY.search(text.says)
    if found is not None and not (is_mail and text.name == Wording("nrm-check-due")):
        yield f"{found[0]} gives away what the child is", "words that fit any child"


def not_written(read: list[RulesFile]) -> list[Finding]:
    """A rule whose message has no words in one of the languages would be found out when it must be sent."""
    return [
        Finding(
            file.path, file.lines.get(str(rule["id"])), str(rule["id"]), says, "a message that has words, or the words"
        )
        for file in read
        for rule in file.rules
        for says in dict.fromkeys(_without_words(rule))
    ]


def _without_words(rule: dict[str, object]) -> Iterator[str]:
    steps = rule.get("otherwise") or []
    for told in (rule, *(steps if isinstance(steps, list) else [])):
        if told.get("tell") is None:
            continue
        message, by = Wording(told.get("message", rule["message"])), told.get("by")
        for channel in (Channel.TEXT, Channel.EMAIL) if by is None else (Channel(by),):
            if by is None and rule.get("among") == "police":
                continue
            for language in sorted(_languages_without(Role(told["tell"]), channel, message, has_form="deed" in rule)):
                yield f"{message} by {channel} to {told['tell']} has no words in {language}"


def _languages_without(role: Role, channel: Channel, message: Wording, *, has_form: bool) -> set[str]:
    if channel == Channel.WEBHOOK:
        return set()
    if role in CARERS and has_form:
        return {name for name, each in TEXT_LANGUAGES.items() if message not in each.carers}
    if role in CARERS:
        return {each for each in carers.LANGUAGES if message not in carers.alert_wordings(each)}
    if channel == Channel.INVITATION:
        return {name for name, each in invitations.LANGUAGES.items() if message not in each.content["invitations"]}
    if channel == Channel.EMAIL:
        return {name for name, each in MAIL_LANGUAGES.items() if message not in each.mails}
    return {name for name, each in TEXT_LANGUAGES.items() if message not in each.texts}


def _texts_to_professionals() -> Iterator[Text]:
    for name, language in TEXT_LANGUAGES.items():
        for wording, says in language.texts.items():
            whole = language.write(wording, WIDEST_CODE, child=WIDEST_CHILD, exercise=True)
            around = REPEAT_MARK + whole.replace(f" {WIDEST_CHILD}:", ":", 1).replace(says, f" {WIDEST_CHILD}", 1)
            for each in (says, *(language.unanswered.values() if wording is Wording("not-acknowledged") else ())):
                yield Text(TEXTS / f"{name}.yaml", wording, each, around)


def _texts_to_carers() -> Iterator[Text]:
    folder = Path(carers.__file__).parent
    for name in carers.LANGUAGES:
        for wording, says in carers.templates(name)["alerts"].items():
            yield Text(folder / f"{name}.yaml", wording, says, f"{REPEAT_MARK}{carers.EXERCISE} ({WIDEST_CODE})")


def _mails() -> Iterator[Text]:
    for name, language in MAIL_LANGUAGES.items():
        for wording, mail in language.mails.items():
            yield Text(MAILS / f"{name}.yaml", wording, f"{mail.subject} {mail.says}", "")
    for name, invitation in invitations.LANGUAGES.items():
        for wording, parts in invitation.content["invitations"].items():
            yield Text(invitations.MESSAGES / f"{name}.yaml", wording, " ".join(parts.values()), "")


NAMED_MOST = 20
"""Of the files that are passed over: a wrong folder may have thousands."""


def check(folder: Path | None = None) -> list[Finding]:
    """Everything wrong with the default rules, the authorities' own in `folder`, the wordings, and how many messages an
    ordinary absence costs its readers. Empty: fit.
    """
    findings = faults_of_rules(folder)
    if not any(each.unreadable for each in findings):
        findings += [*not_written(files(folder)), *golden_stories.budget_faults()]
    return findings + faults()


def read_of(folder: Path | None = None) -> Iterator[str]:
    """Which files `check` was about: how many, of which authorities, and which it passed over."""
    found, _ = readable(folder)
    own = [each for each in found if each.path.parent != DEFAULT_RULES]
    yield f"read {_counted(len(found) - len(own))} of the default rules"
    if folder is None:
        yield "and no authority's own: --folder names where those lie"
        return
    whose = sorted({"every authority" if each.authority == DEFAULT else each.authority for each in own})
    yield f"and {_counted(len(own))} in {folder}{', of ' if whose else ''}{', '.join(whose)}"
    for each in own:
        if each.stand_down == ON_WORD:
            yield f"{each.path.name}, for {each.authority}: {GIVEN_UP}"
    others = [str(each.relative_to(folder)) for each in passed_over(folder) if not is_of_rules(each)]
    if others:
        more = f", and {len(others) - NAMED_MOST} more" if len(others) > NAMED_MOST else ""
        yield f"passed over there: {', '.join(others[:NAMED_MOST])}{more}"


def _counted(files_read: int) -> str:
    return f"{files_read} {'file' if files_read == 1 else 'files'}"
