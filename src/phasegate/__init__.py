"""phasegate: an issue becomes a tested pull request in separate, gated phases."""

__version__ = "0.2.0"
ACTION = f"phasegate/phasegate@50b88afbe377e14164187806cca0d9bd6ab7fedf # v{__version__}"
"""What workflows name: the action at a full commit id, because a tag can be moved."""
