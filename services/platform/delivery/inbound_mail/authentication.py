"""Reads our relay's verdict on a mail's sender (Authentication-Results, RFC 8601). An unclear verdict counts as none.

A relay writes its own header above those that came with the mail, which anybody can write in another's name or in ours.
So only the topmost one with our relay's name counts, and the relay takes away those that came with a mail (RFC 8601,
section 5).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from services.platform.delivery.inbound_mail.parser import HEADER_AT_MOST

SPACE = " \t\r\n"
VALUE = r'"(?:[^"\\]|\\.)*"(?:@[^\s";]*)?|[^\s";]*'
PAIR = re.compile(rf"[{SPACE}]*([A-Za-z0-9_.-]+)(?:/[0-9]+)?[{SPACE}]*=[{SPACE}]*({VALUE})(?=[{SPACE}]|$)", re.DOTALL)
"""`dmarc=pass`, `dkim/1=pass`, `header.d=north.example`, and Microsoft's `action=none`, which no standard has."""
NAME = re.compile(rf'[{SPACE}]*("(?:[^"\\]|\\.)*"|[^\s";=]+)(?:[{SPACE}]+1)?[{SPACE}]*', re.DOTALL)
"""The checker's name, and the version of the format, which is always 1."""
SAYS_FOR_WHOM = {"dmarc": ("header.from",), "dkim": ("header.d", "header.i"), "spf": ("smtp.mailfrom",)}
"""Where each method names the domain that it checked: the first property that is there counts. Other methods do not."""


class Unclear(Exception):
    """The header is ambiguous."""


@dataclass(frozen=True, slots=True)
class Result:
    method: str
    value: str
    about: Mapping[str, str]


def is_authenticated(headers: Iterable[str], *, relay: str, sender: str) -> bool:
    """Whether our relay says that the domain of `sender` sent this mail: a pass of DMARC, or of DKIM or SPF for exactly
    that domain.

    `headers` are the mail's Authentication-Results as they came, topmost first; `relay` is the name (authserv-id) that
    our relay gives itself in them. Only a domain is checked: whoever sends from it may give any name before the @.
    """
    domain = _domain(sender) if "@" in sender else ""
    own = next((each for each in headers if relay and _checked_by(each) == relay.lower()), None)
    if own is None or not domain or len(own) >= HEADER_AT_MOST:  # which may have been cut
        return False
    try:
        results = _results(own)
    except Unclear:
        return False
    refused = any((each.method, each.value) == ("dmarc", "fail") for each in results)
    return not refused and any(_vouches(each, domain) for each in results)


def _vouches(result: Result, domain: str) -> bool:
    named = [result.about[name] for name in SAYS_FOR_WHOM.get(result.method, ()) if name in result.about]
    return result.value == "pass" and bool(named) and _domain(named[0]) == domain


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower().rstrip(".")


def _checked_by(header: str) -> str | None:
    """None where it names no checker, as Microsoft's does not."""
    try:
        named = NAME.fullmatch(next(_clauses(header)))
    except Unclear:
        return None
    return None if named is None else _unquoted(named[1]).lower()


def _results(header: str) -> list[Result]:
    """Raises Unclear."""
    _, *clauses = _clauses(header)
    found = [clause for clause in clauses if clause.strip(SPACE) and clause.strip(SPACE).lower() != "none"]
    return [_result(clause) for clause in found]


def _result(clause: str) -> Result:
    pairs, at = [], 0
    clause = clause.rstrip(SPACE)
    while at < len(clause):
        pair = PAIR.match(clause, at)
        if pair is None:
            raise Unclear
        pairs.append((pair[1].lower(), _unquoted(pair[2])))
        at = pair.end()
    (method, value), *about = pairs
    if len(dict(about)) < len(about):  # the same thing said twice
        raise Unclear
    return Result(method, value.lower(), dict(about))


def _unquoted(value: str) -> str:
    """Without quotation marks. Of a quoted local part only the domain behind it matters."""
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value[:1] == '"' == value[-1:] else value


def _clauses(header: str) -> Iterator[str]:
    """The clauses between semicolons, without comments. Raises Unclear where a comment or a quotation does not end."""
    clause: list[str] = []
    deep, quoted, escaped = 0, False, False
    for each in header:
        if not deep:
            if each == ";" and not quoted:
                yield "".join(clause)
                clause = []
                continue
            clause.append(each if quoted or each != "(" else " ")
        if escaped:
            escaped = False
        elif each == "\\" and (quoted or deep):
            escaped = True
        elif each == '"' and not deep:
            quoted = not quoted
        elif not quoted:
            deep += (each == "(") - (each == ")" and deep > 0)
    if deep or quoted:
        raise Unclear
    yield "".join(clause)
