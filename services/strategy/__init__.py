"""Strategy discussions: who is invited, when, and who comes.

Hears `strategy.invite` duties; `strategy-discussion.redated` and `.cancelled` of whoever convenes; `episode.changed`, since a
report that was a mistake needs no discussion. Replies come by the page `/invitations/{token}` and as mail to its own SMTP port.
Says what became of each invitation, how the discussion stands (`strategy-discussion.changed`), that another time is proposed,
and that it is about to begin without its quorum.
Promises one entry for each discussion in every calendar, re-dated and cancelled under the same UID, through any crash; no
name, place or status of a child in any invitation; no reply lost, and none believed that an attendee did not send.
"""
