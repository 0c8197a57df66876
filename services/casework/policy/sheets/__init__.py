"""A council's sheets: one table of ours as CSV, or its own files with a mapping."""
