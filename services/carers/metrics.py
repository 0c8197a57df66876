"""Defines the metrics of carers. No label holds a number, a child or a word of a text."""

from prometheus_client import Counter, Gauge, Histogram

TAKEN = Counter(
    "texts_taken", "Inbound texts, by what took them: database, spool, or nowhere (answered 503)", ["kept_in"]
)
SENT_BACK = Counter(
    "texts_sent_back", "Strangers' texts not taken when they first came, but when Twilio repeated them (answered 429)"
)
SPOOLED = Gauge("texts_spooled", "Texts on the disk that the database does not have yet")
SET_ASIDE = Gauge("texts_set_aside", "Texts on the disk that cannot be opened, or that the database refuses")
COPIES_REFUSED = Gauge(
    "provider_copies_refused", "Copies of deleted rows that Twilio has not deleted for a day, at a try each hour"
)
UNREAD = Gauge("texts_unread", "Texts kept and not yet read")
OLDEST_UNREAD = Gauge("texts_oldest_unread_seconds", "Age of the oldest text not yet read, whoever sent it")
OLDEST_KNOWN_UNREAD = Gauge(
    "texts_oldest_known_unread_seconds", "Age of the oldest text not yet read of a number that the register knows"
)
READ = Counter("texts_read", "Texts read, by who sent them and by the answer", ["sender", "answer"])
TO_HUMAN = Counter("texts_to_human", "Texts that a person was asked to read", ["reason"])
ENROLLED = Counter("carers_enrolled", "Carers' steps on their way in: joined, practising, practised", ["stage"])
GIVEN_UP = Counter("texts_given_up", "Texts that our code failed on and that went to a person")
READING = Histogram(
    "texts_reading_seconds",
    "From receiving a text to the commit of its effects",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60),
)
