"""The pages of `docs/` that are rendered from rules and stories."""
