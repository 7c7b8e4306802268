"""How scores of sampled frames become scores of all frames: protocols, clips, smoothing, prompt names."""
