"""Anthropic's Messages API, at Anthropic or at a cloud."""
