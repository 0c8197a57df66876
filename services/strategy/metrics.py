"""Counts replies to invitations, and changes of discussions."""

from prometheus_client import Counter

REPLIES = Counter("strategy_replies", "Replies to invitations, by result", ["how", "result"])
DISCUSSIONS = Counter("strategy_discussions", "Discussions, by act", ["act"])
