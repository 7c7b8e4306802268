"""The format of a corpus: its manifest, its shards, the columns of its records, and its reader."""
