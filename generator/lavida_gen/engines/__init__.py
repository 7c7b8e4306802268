"""Engines, which run the building of shards in processes or on a cluster: one file each."""
