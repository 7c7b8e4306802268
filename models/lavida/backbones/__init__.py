"""Families of language models, one file each; the file is named as the family's `model_type`."""
