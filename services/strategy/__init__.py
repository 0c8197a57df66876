"""Invites people to strategy discussions, takes their replies and keeps the record.

Hears `strategy.invite` duties; `strategy-discussion.redated`, `.cancelled` and `.held` from the convener;
`episode.changed`, since a report that was a mistake needs no discussion. Replies come by the page
`/invitations/{token}` and as mail to its own SMTP port; the record by the page `/records/{token}`, and everyone invited
reads it at `/read/{token}`. Says how each invitation ended, each change of a discussion
(`strategy-discussion.changed`), that another time is proposed, that its quorum is reached or lacking, that it is over
and not recorded, its record (`strategy-discussion.held`) and each step of its plan (`plan-step.set`). Promises one
entry for each discussion in every calendar, re-dated and cancelled under the same UID, through any crash; no name,
place or status of a child in any invitation; no reply lost, and none believed that an attendee did not send.
"""
