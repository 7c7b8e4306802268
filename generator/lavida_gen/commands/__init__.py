"""The subcommands of `lavida-gen`: one file each, found by its name, with a click command called `command`."""
