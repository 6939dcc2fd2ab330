"""Container images, inspected without unpacking them."""
