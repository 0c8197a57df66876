"""Reads events: what each means for the child's episodes and record, and which rules it sets off."""
