"""Class lists of data sets: what a number of a mask means, everyday names, and a user's own list."""
