"""JSON files of any size, read element by element: neither their text nor their values are in memory as a whole."""
