"""Serves sign-in, sign-out and accounts."""
