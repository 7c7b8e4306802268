"""A whole run (fit, score, report) and the ablation, stage by stage, each continued where it stopped."""
