"""The rehearsal: a double of the Anthropic Messages API at the HTTP boundary, which plays a script.

Start reading at `script` (what a script says) and `server` (how it is served); `docs/rehearsal.md` is the reference.
"""
