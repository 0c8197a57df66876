"""Faults on purpose: short forms run in `make test`, the long one by `make chaos`."""
