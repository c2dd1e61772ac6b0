"""`tintbox recipe`: training settings for a dataset, a model and a machine, each with its reason."""
