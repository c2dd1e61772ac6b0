"""Error analysis: what each kind of error costs, and where it occurs."""
