"""Keeps the console's accounts: passwords, sessions, sign-ins."""
