"""What every folder may use: processes of one job, a timer, progress bars."""
