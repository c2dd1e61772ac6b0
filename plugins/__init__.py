"""The parts that plug into Ultralytics: one package per capability, and `host`, the seam."""
