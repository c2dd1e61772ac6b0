"""Dataset YAMLs, and the code that prepares their datasets."""
