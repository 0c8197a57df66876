"""Writes the texts to carers and callers, from the templates of their language (`en.yaml`, `cy.yaml`).

`presupposes.yaml` says what must be so for each reply.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from services.carers.policy.context import ClaimKind, PoliceStand
from services.carers.policy.decision import Answer, Claim, Decision, Reply, StatusLine, WaitingCode
from services.carers.policy.facts import read_fact
from services.platform.delivery.channels.sms import REPEAT_MARK, segments
from services.safeguarding.roles import Wording
from services.wording import presuppositions, read_words

FOLDER = Path(__file__).parent
LANGUAGES = ("en", "cy")
EXERCISE = "EXERCISE. "
PRESUPPOSES = presuppositions.read_presuppositions(FOLDER, read_fact)
WITH_DUTY_LINE = frozenset({Answer.NOT_LIVE, Answer.STRANGER, Answer.OFFICER})
SENT_BACK = frozenset({Wording("check-in"), Wording("contact-check")})
"""Their reader texts the code at the end back. At the end of all others stands a number, which is no code."""
IN_A_LINE = 3
"""So many children at most who stand alike."""
NUMBER = "00000"
"""As long as the number at the end of a text."""


def write_replies(decision: Decision, confirm: Sequence[str], language: str, duty_line: str | None) -> tuple[str, ...]:
    """The texts to send back: mostly one, none if there is no answer. `confirm` holds the codes of the decision's
    claims.
    """
    words = _words_in(language)
    codes = dict(zip(decision.claims, confirm, strict=True))
    return tuple(body for reply in decision.replies for body in _write(reply, decision, codes, words, duty_line))


def _write(
    reply: Reply, decision: Decision, codes: Mapping[Claim, str], words: Mapping[str, Any], duty_line: str | None
) -> Iterator[str]:
    """One text, of a status as many as it needs."""
    name = str(reply.answer)
    if reply.answer in WITH_DUTY_LINE and duty_line is None:
        name += "-without-line"
    template = words["replies"][name]
    given = {"duty_line": duty_line, "child": decision.coded, "example": reply.example}
    given |= _fill_claims(reply, [codes[claim] for claim in reply.claims], words)
    if "{lines}" in template:
        yield from _write_lines(decision.lines, template, words)
        return
    longest = max(1, *map(len, (reply.named, reply.sought, decision.which, decision.open)))
    left = len(reply.left)
    sizes = [*((longest, of) for of in range(left, -1, -1)), *((most, 0) for most in range(longest - 1, -1, -1))]
    bodies = (template.format(**given, **_fill_lists(reply, decision, *size, words)) for size in sizes)
    body = ""
    for each in bodies:
        body = each[:1].upper() + each[1:]
        if segments(_mark(body, words)) == 1:
            break
    yield body


def _fill_lists(reply: Reply, decision: Decision, most: int, left: int, words: Mapping[str, Any]) -> dict[str, str]:
    """What holds codes, of each list no more than `most`, of those not reported no more than `left`: 0 leaves out what
    can be.
    """
    listed = max(most, 1)
    of = words["of-one"].format(code=reply.named[0]) if len(reply.named) == 1 else words["of-several"]
    about = _list_codes(reply.named, listed, words) if reply.named else None
    open_ = _list_codes(decision.open, listed, words)
    return {
        "about": about or str(words["unnamed-first" if reply.answer is Answer.MISSING else "unnamed"]),
        "of": of if reply.several and reply.named else "",
        "left": _name_left(reply.left, left, words),
        "sought": words["still-sought"].format(codes=_list_codes(reply.sought, listed, words))
        if reply.sought and most
        else "",
        "taken": _list_codes(decision.which, listed, words),
        "codes": open_,
        "open": words["still-open"].format(codes=open_) if open_ else "",
        **({} if reply.claims else {"which": _list_codes(decision.which, listed, words) or str(words["unnamed"])}),
    }


def _name_left(left: Sequence[str], most: int, words: Mapping[str, Any]) -> str:
    """The sender's other children, who are not reported: by code as far as there is room, else their number."""
    if not left:
        return ""
    if len(left) == 1:
        return str(words["not-reported" if most else "one-not-reported"].format(left=left[0]))
    if len(left) <= most:
        return str(words["several-not-reported"].format(left=", ".join(left)))
    return str(words["others-not-reported" if most else "none-other-reported"].format(count=len(left)))


def _fill_claims(reply: Reply, confirm: Sequence[str], words: Mapping[str, Any]) -> dict[str, str]:
    """The children that the claims are about, in the sender's own codes, and the words that confirm."""
    if not reply.claims:
        return {"confirm": "", "each": ""}
    whom = [_name_claimed(claim, words) for claim in reply.claims]
    says = [words["confirms"][claim.kind] for claim in reply.claims]
    each = [f"{who}: {word} {code}" for who, word, code in zip(whom, says, confirm, strict=True)]
    return {"which": whom[0], "confirm": f"{says[0]} {confirm[0]}", "each": ". ".join(each)}


def _name_claimed(claim: Claim, words: Mapping[str, Any]) -> str:
    return ", ".join(each.code for each in claim.about if each.code) or str(words["unnamed"])


def _list_codes(codes: Sequence[str], most: int, words: Mapping[str, Any]) -> str:
    listed = ", ".join(codes[:most])
    more = len(codes) - most
    return listed if more <= 0 else str(words["and-more"]).format(codes=listed, count=more)


def _write_lines(lines: Sequence[StatusLine], template: str, words: Mapping[str, Any]) -> Iterator[str]:
    """Texts of one segment each, with as many of the lines as each has room for."""
    said: list[str] = []
    for each in (written for line in lines for written in _write_line(line, words)):
        if said and segments(_mark(template.format(lines=" ".join([*said, each])), words)) > 1:
            yield template.format(lines=" ".join(said))
            said = []
        said.append(each)
    yield template.format(lines=" ".join(said))


def _write_line(line: StatusLine, words: Mapping[str, Any]) -> Iterator[str]:
    of = words["lines"]
    for at in range(0, len(line.codes), IN_A_LINE):
        codes = ", ".join(code or of["unnamed"] for code in line.codes[at : at + IN_A_LINE])
        if line.standing is None:
            yield of["unreported"].format(codes=codes)
        else:
            police = line.standing.police
            named = "referred" if line.standing.referred and police is PoliceStand.HAVE_IT else str(police)
            duty = words["duty"]["answered" if line.standing.duty_answered else "waiting"]
            yield of["reported"].format(codes=codes, police=words["police"][named], duty=duty)


def mark_reply(body: str, number: str, waiting: Sequence[WaitingCode], confirm: Sequence[str], language: str) -> str:
    """Makes the body unlike any other, so that a lost answer can be looked up. A body that asks for one of the codes in
    `confirm` stays as it is; one beside a claim that waits has its code instead of a number, since its reader could not
    tell which to send back.
    """
    words = _words_in(language)
    if any(code in body for code in (*confirm, *(each.code for each in waiting))):
        return body
    marks = [mark for each in waiting for mark in _list_marks(each, words)]
    if not marks:
        return _mark(body, words, number)
    return next((each for mark in marks if segments(each := f"{body} ({mark})") == 1), f"{body} ({marks[-1]})")


def _list_marks(waiting: WaitingCode, words: Mapping[str, Any]) -> Iterator[str]:
    """The fullest first."""
    says = f"{words['confirms'][waiting.kind]} {waiting.code}"
    if waiting.children:
        yield f"{', '.join(waiting.children)}: {says}"
    yield says
    yield waiting.code


def _mark(body: str, words: Mapping[str, Any], number: str = NUMBER) -> str:
    return f"{body} ({words['number'].format(code=number)})"


def write_alert(
    wording: Wording,
    language: str,
    code: str,
    *,
    exercise: bool,
    child: str | None = None,
    confirm: tuple[ClaimKind, str] | None = None,
) -> str:
    """`child` is the code of the child that it is about: it comes first, as far as one segment has room for it, since
    several may be missing. `confirm` is the claim to be confirmed, and its code.

    Raises KeyError for a wording without a template: the message becomes a dead letter, and a person hears of it.
    """
    words = _words_in(language)
    body = words["alerts"][wording]
    if confirm is not None:
        kind, asked = confirm
        body = words["asked-once-more"][kind].format(confirm=f"{words['confirms'][kind]} {asked}")
    mark = EXERCISE if exercise else ""
    coded = body if confirm is not None else f"{body} ({code})" if wording in SENT_BACK else _mark(body, words, code)
    named = f"{mark}{child}: {coded}"
    return named if child is not None and segments(REPEAT_MARK + named) == 1 else mark + coded


def needs_no_answer(wording: Wording) -> bool:
    """Whether it is a carers' wording whose reader sends nothing back: a number stands at its end."""
    return wording not in SENT_BACK and wording in alert_wordings(LANGUAGES[0])


def alert_wordings(language: str) -> frozenset[str]:
    """The wordings that have a template."""
    return frozenset(_words_in(language)["alerts"])


def _words_in(language: str) -> dict[str, Any]:
    return templates(language if language in LANGUAGES else LANGUAGES[0])


def templates(language: str) -> dict[str, Any]:
    """The file of that language, by part and name."""
    return read_words(FOLDER / f"{language}.yaml")
