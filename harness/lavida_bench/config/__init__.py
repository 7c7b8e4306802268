"""What a user writes in the recipe of a run, typed."""
