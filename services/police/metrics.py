"""Declares the metrics of police. Delivery has its own."""

from prometheus_client import Counter

REPLIES = Counter(
    "police_replies", "Replies of forces by type, and requests of theirs that were not taken by why", ["result"]
)
MAILS_IN = Counter("police_mails_in", "Mails to our mailbox, by what was made of them", ["result"])
LIST_DIFFERENCES = Counter(
    "police_list_differences", "Differences between a force's list of open episodes and ours", ["difference"]
)
