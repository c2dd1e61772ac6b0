"""A dataset's pictures split into folds: what belongs together stays together, each fold has its share of classes."""
