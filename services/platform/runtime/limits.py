"""Limits the size of requests and mails, by kind."""

FORM_BYTES = 64 * 1024
"""A page's form, or one that Twilio posts."""
FORM_FIELDS = 200
MESSAGE_BYTES = 65_536
"""An agency's event or a force's reply."""
LIST_BYTES = 1_000_000
"""A force's daily list of open episodes."""
REGISTER_BYTES = 20_000_000
"""An import of the register."""
MAIL_BYTES = 2_000_000
"""An answer or a bounce, as the relay hands it over."""
