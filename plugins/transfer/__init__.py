"""Transfer of a backbone between colourisers and detectors."""
