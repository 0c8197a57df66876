"""Stories played: from a form, as a page, all of them, and on two protocols."""
