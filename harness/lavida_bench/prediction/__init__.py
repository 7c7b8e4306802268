"""`predict`: one video or many without labels in; scores, segments, overlay and timeline out."""
