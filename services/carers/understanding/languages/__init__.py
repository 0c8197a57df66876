"""Lists words and patterns by language, and makes typed words plain."""
