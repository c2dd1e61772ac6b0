"""Colourisation, a sibling task of detection: classify every pixel of a grey picture into a palette colour."""
