"""Shows a text as Twilio's API does: the Message resource, and the paged list of them."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from infra.sandbox.texts import Text, Texts
from infra.sandbox.twilio_errors import delivery_error

API_VERSION = "2010-04-01"
_LARGEST_PAGE = 1000
_USUAL_PAGE = 50


def show_message(text: Text, account_sid: str) -> dict[str, Any]:
    """Show one message; times are RFC 2822 in GMT, numbers are strings, as the API has them."""
    uri = f"/{API_VERSION}/Accounts/{account_sid}/Messages/{text.sid}"
    return {
        "sid": text.sid,
        "account_sid": account_sid,
        "api_version": API_VERSION,
        "from": text.sender,
        "to": text.recipient,
        "body": text.body,
        "direction": text.direction,
        "status": text.status,
        "num_segments": str(text.segments),
        "num_media": str(len(text.pictures)),
        "messaging_service_sid": None,
        "date_created": format_datetime(text.created_at),
        "date_updated": format_datetime(text.updated_at),
        "date_sent": format_datetime(text.sent_at) if text.sent_at else None,
        "error_code": text.error_code,
        "error_message": delivery_error(text.error_code),
        "price": None,
        "price_unit": "USD",
        "uri": f"{uri}.json",
        "subresource_uris": {"media": f"{uri}/Media.json", "feedback": f"{uri}/Feedback.json"},
    }


def show_list(texts: Texts, account_sid: str, own_number: str, query: QueryParams) -> dict[str, Any]:
    """Show one page, newest first, of the messages that the query asks for.

    A page token names the last message of the page before, so that new messages do not shift what follows.
    Raises ValueError for a number or a date that is none.
    """
    size = min(int(query.get("PageSize") or _USUAL_PAGE), _LARGEST_PAGE)
    page = int(query.get("Page") or 0)
    wanted = _after(_matching(texts, own_number, query), query.get("PageToken"))
    found = list(islice(wanted, size + 1))
    shown, more = found[:size], len(found) > size

    def uri(number: int, token: str | None) -> str:
        kept = {name: value for name, value in query.items() if name not in {"Page", "PageToken", "PageSize"}}
        paging = {"PageSize": size, "Page": number} | ({"PageToken": token} if token else {})
        return f"/{API_VERSION}/Accounts/{account_sid}/Messages.json?{urlencode(kept | paging)}"

    return {
        "messages": [show_message(text, account_sid) for text in shown],
        "page": page,
        "page_size": size,
        "start": page * size,
        "end": page * size + max(len(shown) - 1, 0),
        "uri": uri(page, query.get("PageToken")),
        "first_page_uri": uri(0, None),
        "next_page_uri": uri(page + 1, f"PA{shown[-1].sid}") if more else None,
        "previous_page_uri": uri(0, None) if page == 1 else None,
    }


def _matching(texts: Texts, own_number: str, query: QueryParams) -> Iterable[Text]:
    recipient, sender = query.get("To"), query.get("From")
    tests = _date_tests(query)
    # The end that is not Safe Return's number is a phone with a thread of its own: the other texts need no reading.
    phone = next((end for end in (recipient, sender) if end not in {None, own_number}), None)
    for text in texts.newest_first(phone):
        if text.service is not None:
            continue
        if recipient not in {None, text.recipient} or sender not in {None, text.sender}:
            continue
        if all(test(text.sent_at or text.created_at) for test in tests):
            yield text


def _date_tests(query: QueryParams) -> list[Callable[[datetime], bool]]:
    """Read the three date filters. Raises ValueError for what is not a date."""
    tests: list[Callable[[datetime], bool]] = []
    if on := query.get("DateSent"):
        day = _read_date(on).date()
        tests.append(lambda sent: sent.date() == day)
    if before := query.get("DateSent<"):
        latest = _read_date(before)
        tests.append(lambda sent: sent <= latest)
    if after := query.get("DateSent>"):
        earliest = _read_date(after)
        tests.append(lambda sent: sent >= earliest)
    return tests


def _read_date(written: str) -> datetime:
    """Read a date or time, ISO 8601 or RFC 2822; without a zone it is GMT."""
    try:
        read = datetime.fromisoformat(written)
    except ValueError:
        read = parsedate_to_datetime(written)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _after(texts: Iterable[Text], token: str | None) -> Iterable[Text]:
    remaining = iter(texts)
    if token:
        for text in remaining:
            if f"PA{text.sid}" == token:
                break
    return remaining
