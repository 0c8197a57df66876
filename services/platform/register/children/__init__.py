"""Children: the facts that the protocol may know, names and photographs, and the contents of a notice."""
