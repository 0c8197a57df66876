"""Keeps what imports changed, and undoes them."""
