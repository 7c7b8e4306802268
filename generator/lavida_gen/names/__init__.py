"""What names mean: which are the same, a kind or a part of another, which may be listed as absent."""
