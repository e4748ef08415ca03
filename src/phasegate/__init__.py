"""phasegate: an issue becomes a tested pull request in separate, gated phases."""

__version__ = "0.2.0"
ACTION = f"phasegate/phasegate@98943aa7a920a1ca9d8b91e65377eca0a4026202 # v{__version__}"
"""What workflows name: the action at a full commit id, because a tag can be moved."""
