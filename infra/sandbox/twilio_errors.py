"""Lists Twilio's error codes, as its API answers them (https://www.twilio.com/docs/api/errors)."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

_REFUSALS: dict[int, tuple[int, str]] = {
    20001: (400, "Invalid parameter: {}"),
    20003: (401, "Authenticate"),
    20009: (409, "Cannot delete message in state {}"),
    20404: (404, "The requested resource {} was not found"),
    20429: (429, "Too Many Requests"),
    20500: (503, "Internal Server Error"),
    12100: (400, "Document parse failure: {}"),
    21210: (400, "'From' phone number not verified: {}"),
    21219: (400, "'Twiml' is longer than 4000 characters"),
    21211: (400, "Invalid 'To' Phone Number: {}"),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The 'From' phone number provided ({}) is not a valid, message-capable Twilio phone number"),
    21609: (400, "The 'StatusCallback' URL {} is not a valid URL"),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    30409: (400, "Message cannot be canceled in state {}"),
}

_DELIVERY_ERRORS = {
    11200: "HTTP retrieval failure",
    12100: "Document parse failure",
    12300: "Invalid Content-Type",
    30003: "Unreachable destination handset",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    30036: "Validity Period Expired",
}


def delivery_error(code: int | None) -> str | None:
    """Say in Twilio's words what an error code on a message means."""
    return None if code is None else _DELIVERY_ERRORS.get(code, "Unknown error")


class TwilioRefusalError(Exception):
    """A request that Twilio refuses: the error's code, and the words that it is about."""

    def __init__(
        self, code: int, about: str = "", *, status: int | None = None, retry_after: int | None = None
    ) -> None:
        """Refuse with a code of the table; `status` overrides the HTTP status that usually goes with it."""
        usual_status, message = _REFUSALS[code]
        self.code, self.status, self.message = code, status or usual_status, message.format(about)
        self.headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        if self.status == 401:
            self.headers["WWW-Authenticate"] = 'Basic realm="Twilio API"'
        super().__init__(self.message)


async def answer_refusal(_: Request, refusal: Exception) -> Response:
    """Answer a refusal in the shape that Twilio's libraries read."""
    if not isinstance(refusal, TwilioRefusalError):
        raise refusal
    more = f"https://www.twilio.com/docs/errors/{refusal.code}"
    body = {"code": refusal.code, "message": refusal.message, "more_info": more, "status": refusal.status}
    return JSONResponse(body, refusal.status, refusal.headers)
