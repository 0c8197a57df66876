"""Digests: many mails to one reader sent as one."""
