"""Building a corpus: the loop, the build plan, shard records, the lock, the last step, merging of parts."""
