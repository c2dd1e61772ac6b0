"""New classes beside the old ones: they get a branch of their own, and what the old ones use stays unchanged."""
