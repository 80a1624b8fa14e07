"""Cursors of the log: a place in it that can tell whether the log is still the same."""

from dataclasses import dataclass
from struct import Struct
from typing import Self

from store.log import Head
from store.types import Instant
from subscriptions.signing import Signer, Tampered

_PURPOSE = "log cursor"
_LAYOUT = Struct(">8sQq4s")


@dataclass(frozen=True, slots=True)
class LogCursor:
    """Behind the row at `seq`; recorded_at and nonce are that row's, zeros where it has no row.

    A restored backup that counts on from an older seq gives the same seq to another row: the nonce
    differs, and the cursor is recognised as foreign.
    """

    epoch: bytes
    seq: int
    recorded_at: Instant = 0
    nonce: bytes = bytes(4)

    @classmethod
    def at(cls, head: Head) -> Self:
        """Behind the newest row."""
        return cls(head.epoch, head.seq, head.recorded_at, head.nonce)

    def encode(self, signer: Signer) -> str:
        place = _LAYOUT.pack(self.epoch, self.seq, self.recorded_at, self.nonce)
        return signer.seal(_PURPOSE, place)

    @classmethod
    def decode(cls, signer: Signer, text: str) -> Self:
        """Raises Tampered for anything that encode did not make."""
        place = signer.open(_PURPOSE, text)
        if len(place) != _LAYOUT.size:
            raise Tampered(_PURPOSE)
        return cls(*_LAYOUT.unpack(place))
