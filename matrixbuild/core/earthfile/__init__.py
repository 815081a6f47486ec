"""Earthfile text in, recipes (what to copy, which images to save) out, as the real Earthly evaluates them."""
