"""What every folder may use and nothing else knows of: errors, plug-ins, wording, HTML pages, shipped files."""
