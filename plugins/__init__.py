"""What plugs into Ultralytics: one module per capability, and `host`, the seam."""
