"""What concerns running processes: signals that stop them, and temporary files that killed ones left."""
