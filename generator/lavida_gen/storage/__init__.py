"""Storage: folders and URLs behind one interface, the cache of computed arrays, output folders."""
