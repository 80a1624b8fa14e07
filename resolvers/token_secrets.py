"""Token secrets: what a token's text looks like, and what is kept of it."""

import secrets
from hashlib import sha256


def new_secret(workspace_id: int) -> str:
    """A token's text: it names its workspace, so that looking it up stays within one."""
    return f"ts_{workspace_id}_{secrets.token_urlsafe(32)}"


def hash_of(secret: str) -> bytes:
    """What is stored. The secret is random, so that no slow hash is needed."""
    return sha256(secret.encode()).digest()
