"""New classes beside the old ones: a branch of the network for them; what the old ones need stays as it is."""
