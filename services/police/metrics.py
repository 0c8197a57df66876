"""What police measures beside what delivery does."""

from prometheus_client import Counter

REPLIES = Counter("police_replies", "Replies of forces, by type or by why they were not taken", ["result"])
LIST_DIFFERENCES = Counter(
    "police_list_differences", "Differences between a force's list of open episodes and ours", ["difference"]
)
