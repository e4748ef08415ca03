"""phasegate: an issue becomes a tested pull request in separate, gated phases."""

__version__ = "0.2.0"
ACTION = f"phasegate/phasegate@db8f420b48b47f052997a4c4027a8c4667c945cc # v{__version__}"
"""What workflows name: the action at a full commit id, because a tag can be moved."""
