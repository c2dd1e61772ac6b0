"""Reading of any dataset that Ultralytics accepts: its YAML, the images of a split, and their labels."""
