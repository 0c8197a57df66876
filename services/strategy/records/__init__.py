"""Records of discussions: the form, and who is asked for one."""
