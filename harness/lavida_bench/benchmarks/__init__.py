"""One file for each benchmark; the file's name is the benchmark's."""
