"""Authorities at the console: entered, given a credential, tried, exercised, switched on."""
