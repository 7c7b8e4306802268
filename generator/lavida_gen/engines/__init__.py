"""One file per way of spreading shards over processes or machines."""
