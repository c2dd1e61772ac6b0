"""New classes beside the old ones: a branch of the network for them, while all that the old ones need stays as it is."""
