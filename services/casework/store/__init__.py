"""Casework's tables, and what it writes into them."""
