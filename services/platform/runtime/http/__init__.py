"""Gives every process its HTTP: health, metrics, problem documents, forms."""
