"""One metric each; the file name is its name."""
