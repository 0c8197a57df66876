"""The web pages and webhooks of police."""
