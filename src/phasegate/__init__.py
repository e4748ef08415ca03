"""phasegate: an issue becomes a tested branch in separate, gated phases."""

__version__ = "0.1.0"
