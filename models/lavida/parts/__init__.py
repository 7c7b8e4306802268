"""The pretrained parts: loading, checks of keys and sizes, LoRA, what trains."""
