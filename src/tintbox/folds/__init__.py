"""Splitting a dataset's images into folds: groups stay together, and each fold gets its share of every class."""
