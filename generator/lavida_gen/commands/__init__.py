"""One file per verb of `lavida-gen`, found by its name; each holds one click command called `command`."""
