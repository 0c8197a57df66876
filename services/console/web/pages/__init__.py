"""Serves the pages of the console, one module for each section."""
