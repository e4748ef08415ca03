"""phasegate: an issue becomes a tested pull request in separate, gated phases."""

__version__ = "0.2.0"
ACTION = f"phasegate/phasegate@d79bf01d37c401e12790adbfbe14a3b284f55fa8 # v{__version__}"
"""What workflows name: the action at a full commit id, because a tag can be moved."""
