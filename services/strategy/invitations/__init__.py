"""Invitations to a discussion: mails with a calendar entry."""
