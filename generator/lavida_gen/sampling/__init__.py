"""The anomaly exposure sampler: which sample is made from what, and the making of one sample."""
