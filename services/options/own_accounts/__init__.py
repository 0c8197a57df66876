"""Accounts of Safe Return's own, by a password and a second factor, beside sign-in by a provider."""
