"""The build: its loop, its plan file, records of finished shards, the lock, the last step, joining of parts."""
