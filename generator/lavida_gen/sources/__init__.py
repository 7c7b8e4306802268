"""One file per data set; the file's name is the source's name in recipes."""
