"""What a user writes in a recipe of a corpus, typed: the recipe itself, the prompt bank, augmentations."""
