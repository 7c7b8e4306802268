"""From scores and labels to numbers with intervals: measuring, comparing runs, the prompt check, curves."""
