"""A finished corpus on disk: its manifest, its shards, the columns of its records, and the reader that opens it."""
