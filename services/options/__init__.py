"""Holds what a buyer may leave out, a folder each. `option.py` says what it adds; the core imports none of them."""
