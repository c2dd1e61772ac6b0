"""The configurable classification loss of a detector."""
