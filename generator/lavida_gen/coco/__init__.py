"""JSON files in the format of COCO, LVIS and the refer API: read once, indexed, and their image files found."""
