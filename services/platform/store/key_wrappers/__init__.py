"""Wraps authorities' keys by a key in a file, in a hardware security module, or at a cloud's key service."""
