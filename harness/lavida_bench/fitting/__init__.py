"""Training: from shards to batches, the loop, its checkpoints and logs, validation."""
