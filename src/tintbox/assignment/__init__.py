"""`tintbox assignment`: the course assignment that the seed networks come from, reproduced."""
