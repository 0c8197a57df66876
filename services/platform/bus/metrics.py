"""Defines the bus's metrics. No label holds an id of a child, a person or a message."""

from prometheus_client import Counter, Gauge, Histogram

from services.platform.messages.signature import Doubt

HANDLED = Counter("bus_messages_handled", "Messages taken from the bus, by result", ["kind", "result"])
HANDLING = Histogram(
    "bus_handling_seconds",
    "Time in a message's handler, without its deferred writes, the commit and the publication",
    ["kind"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30),
)
WAITING = Gauge("bus_partitions_waiting", "Partitions held by a message that waits for the database or for Kafka")
PUBLISHED = Counter("bus_messages_published", "Messages that Kafka has acknowledged", ["topic"])
PUBLISHED_AGAIN = Counter("bus_messages_published_again", "Messages that Kafka acknowledged, and had lost")
UNCHECKED = Gauge(
    "bus_published_unchecked", "Leaders' epochs of which Kafka did not say whether it still has what was written then"
)
PUBLISH_FAILURES = Counter("bus_publish_failures", "Attempts to publish that failed and will be repeated")
OUTBOX_DEPTH = Gauge("bus_outbox_depth", "Messages committed and not yet published")
OUTBOX_OLDEST = Gauge("bus_outbox_oldest_seconds", "Age of the oldest message committed and not yet published")
LAG = Gauge("bus_consumer_lag", "Messages on the bus that a service has not acknowledged yet", ["group", "topic"])
STANDS = Gauge(
    "bus_consumer_stands_seconds",
    "For how long a service has acknowledged nothing of a partition where messages wait: of its longest",
    ["group", "topic"],
)
UNDER_REPLICATED = Gauge(
    "bus_partitions_under_replicated", "Partitions of ours with fewer copies in sync than they have brokers"
)
BROKER = Gauge("bus_broker_answers", "1 while Kafka answers the watch, 0 while it does not")
REFUSED = Counter(
    "bus_messages_refused", "Messages not proved to come from a service that may publish them, by doubt", ["doubt"]
)
for doubt in Doubt:  # an increase from nothing is none
    REFUSED.labels(doubt)
DEAD_LETTERS = Counter("bus_dead_letters", "Messages given up on and handed to a human", ["kind"])
