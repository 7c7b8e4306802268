"""Recipe files as text, of corpora and of runs: strict YAML, the kinds of recipes, how two of them differ."""
