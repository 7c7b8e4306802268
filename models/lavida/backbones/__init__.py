"""One family of multimodal language models per file; the file's name is the configuration's `model_type`."""
