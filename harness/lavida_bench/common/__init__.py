"""What every folder may use: the processes of a job, a timer, progress bars, the digest of a model."""
