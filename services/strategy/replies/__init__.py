"""Replies to invitations by mail."""
