"""LAVIDA: a multimodal language model that reads a scene and names of anomalies, and SAM2 that draws them."""
