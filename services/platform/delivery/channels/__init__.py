"""Channels: webhook, text, call and mail, each behind the same interface."""
