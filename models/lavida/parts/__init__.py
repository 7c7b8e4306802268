"""The pretrained parts: loading them, checking that they fit, LoRA, what trains."""
