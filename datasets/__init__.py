"""Dataset YAMLs and the code that prepares what they name."""
