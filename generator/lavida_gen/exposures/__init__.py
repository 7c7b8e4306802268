"""One file per way of making an anomaly; the file's name is the exposure's name in recipes."""
