"""One baseline each; the file name is its name."""
