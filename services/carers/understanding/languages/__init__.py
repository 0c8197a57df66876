"""The languages of texts: English, Welsh, a few others, and their spelling."""
