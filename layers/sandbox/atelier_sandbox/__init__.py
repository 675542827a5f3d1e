"""The sandbox provider: real, playable media from a prompt, with no network and no model.

It keeps every other part of the product honest without spending a credit: what it returns
are true PNG, MP4 and WAV files, and the same request always returns the same bytes.
"""
