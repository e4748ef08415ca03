"""phasegate: an issue becomes a tested pull request in separate, gated phases."""

__version__ = "0.2.0"
ACTION = f"phasegate/phasegate@b07cec77466980d35b76fdea4120158b248b56f3 # v{__version__}"
"""What workflows name: the action at a full commit id, because a tag can be moved."""
