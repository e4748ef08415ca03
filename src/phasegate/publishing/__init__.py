"""Documents into what people read."""
