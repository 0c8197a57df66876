"""Holds the texts that rules cite and the law's numbers, with dates and sources (`sources.yaml`, `values.yaml`)."""
