"""Signing: small values that clients carry, sealed against change, and secrets kept hidden."""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from hashlib import blake2b
from hmac import compare_digest

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_MAC_SIZE = 12
_SECRET_AT_LEAST = 16
_KEY_IDS = range(256)
_HIDING_NONCE_SIZE = 12


class Tampered(ValueError):
    """The text was not sealed here for this purpose, or was changed since."""

    def __init__(self, purpose: str) -> None:
        super().__init__(f"This is not one of our {purpose} tokens, or it was changed.")
        self.purpose = purpose


class Unreadable(ValueError):
    """What was hidden was hidden with a key that is gone, elsewhere, or was changed since."""


class Signer:
    """Seals and hides with one key; opens what this key or a retired one has sealed or hidden.

    To change the key: give the new one another `key_id` and hand in the old one as retired.
    """

    def __init__(
        self, secret: bytes, key_id: int = 1, *, retired: Mapping[int, bytes] | None = None
    ) -> None:
        self._key_id = key_id
        self._keys = {
            number: _derive(number, each)
            for number, each in {**(retired or {}), key_id: secret}.items()
        }

    def seal(self, purpose: str, payload: bytes) -> str:
        """Key id, MAC and payload as url-safe base64 without padding; the payload is readable."""
        mac = _mac(self._keys[self._key_id], purpose, payload)
        return _encode(bytes([self._key_id]) + mac + payload)

    def open(self, purpose: str, text: str) -> bytes:
        """The sealed payload; raises Tampered."""
        sealed = _decode(purpose, text)
        mac, payload = sealed[1 : 1 + _MAC_SIZE], sealed[1 + _MAC_SIZE :]
        key = self._keys.get(sealed[0]) if len(sealed) > _MAC_SIZE else None
        if key is None or not compare_digest(mac, _mac(key, purpose, payload)):
            raise Tampered(purpose)
        return payload

    def hide(self, place: str, secret: bytes) -> bytes:
        """The secret encrypted (AES-256-GCM), to be kept at `place` and readable nowhere else."""
        nonce = os.urandom(_HIDING_NONCE_SIZE)
        cipher = _cipher(self._keys[self._key_id])
        return bytes([self._key_id]) + nonce + cipher.encrypt(nonce, secret, place.encode())

    def reveal(self, place: str, hidden: bytes) -> bytes:
        """The secret that `hide` made this of; raises Unreadable."""
        key = self._keys.get(hidden[0]) if hidden else None
        if key is None or len(hidden) <= _HIDING_NONCE_SIZE:
            raise Unreadable(place)
        nonce, encrypted = hidden[1 : 1 + _HIDING_NONCE_SIZE], hidden[1 + _HIDING_NONCE_SIZE :]
        try:
            return _cipher(key).decrypt(nonce, encrypted, place.encode())
        except InvalidTag:
            raise Unreadable(place) from None

    def is_retired(self, hidden: bytes) -> bool:
        """Whether a retired key hides it, so that it is to be hidden anew."""
        return hidden[0] != self._key_id


def _cipher(key: bytes) -> AESGCM:
    # A key of its own: no key serves two algorithms.
    return AESGCM(blake2b(b"hide", key=key, digest_size=32).digest())


def _derive(key_id: int, secret: bytes) -> bytes:
    if key_id not in _KEY_IDS:
        raise ValueError(f"A key id is a number from 0 to 255, not {key_id}.")
    if len(secret) < _SECRET_AT_LEAST:
        raise ValueError(f"The secret key is too short: give at least {_SECRET_AT_LEAST} bytes.")
    return blake2b(secret).digest()


def _mac(key: bytes, purpose: str, payload: bytes) -> bytes:
    # The purpose's length stands first, so that no purpose and payload read as another pair.
    name = purpose.encode()
    return blake2b(bytes([len(name)]) + name + payload, key=key, digest_size=_MAC_SIZE).digest()


def _encode(sealed: bytes) -> str:
    return urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _decode(purpose: str, text: str) -> bytes:
    try:
        sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (NotBase64, ValueError):
        raise Tampered(purpose) from None
    # base64 can be written in several ways; one value has one text.
    if _encode(sealed) != text:
        raise Tampered(purpose)
    return sealed
