"""Nothing -> a token that was never drawn before: a generation's (design.md 2)."""

from __future__ import annotations

import secrets

_BYTES = 10


def draw_token() -> str:
    """20 hex digits at random: counted up, those of two branches would be the same."""
    return secrets.token_hex(_BYTES)
