"""Recipe files of corpora, runs and ablations: strict YAML, the kinds of recipes, differences between two recipes."""
