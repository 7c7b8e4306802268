"""The data types that flow from a source to a shard: frames, masks, regions, scenes, samples."""
