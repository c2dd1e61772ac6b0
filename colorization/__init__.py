"""Colourisation, a sibling task of detection: classify every pixel of a grey image into a palette colour."""
