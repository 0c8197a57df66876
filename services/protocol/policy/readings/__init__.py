"""Reads events: their meaning for the child's episodes and record, and the rules that they set off."""
