"""Accounts of the console: passwords, sessions, sign-ins."""
