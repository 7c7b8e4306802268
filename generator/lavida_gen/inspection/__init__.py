"""Looking at a finished corpus: verify, statistics, one sample, the preview page, lists of what there is."""
