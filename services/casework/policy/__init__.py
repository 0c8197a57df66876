"""Pure decisions: whether an import holds together, and what an agency's event says."""
