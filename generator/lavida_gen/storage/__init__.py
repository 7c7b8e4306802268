"""Places that hold files: folders and URLs behind one interface, the cache, output folders."""
