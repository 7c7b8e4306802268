"""One file for each kind of scorer; the file's name is the scorer's."""
