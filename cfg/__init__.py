"""Model YAMLs, palettes and training recipes: data, no logic."""
