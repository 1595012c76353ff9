"""Checkpoints: what a tenant's audit log was, signed, as a note that anyone can keep and check.

The format is the transparency logs' own (C2SP tlog-checkpoint over signed-note): origin, size and Merkle head of the
log, an extension line with the head of its hash chain, an empty line, and an Ed25519 signature.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from domain.security.errors import CheckpointInvalid

NAME = "harborgrid"
_ED25519 = b"\x01"
_CHAIN = "chain "


class Checkpoint(NamedTuple):
    """The log of `origin` (`harborgrid/audit/<tenant>`) had this many records, this Merkle head and this chain head."""

    origin: str
    size: int
    root: bytes
    chain: bytes

    @property
    def body(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{_text(self.root)}\n{_CHAIN}{_text(self.chain)}\n"

    @classmethod
    def parse(cls, body: str) -> Self:
        """Read the text. Raises CheckpointInvalid."""
        lines = body.split("\n")
        if len(lines) != 5 or not lines[0] or not lines[1].isdecimal() or not lines[3].startswith(_CHAIN) or lines[4]:
            raise CheckpointInvalid("a checkpoint has four lines: origin, size, root and chain")
        return cls(lines[0], int(lines[1]), _bytes(lines[2]), _bytes(lines[3].removeprefix(_CHAIN)))


class CheckpointSigner:
    """Signs with a key that follows from the platform's master key."""

    def __init__(self, root_secret: bytes) -> None:
        seed = HKDF(SHA256(), 32, salt=None, info=b"harborgrid/audit-checkpoint/v1").derive(root_secret)
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = CheckpointVerifier(self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def sign(self, checkpoint: Checkpoint) -> str:
        """The signed note."""
        return self.note(checkpoint.body)

    def note(self, text: str) -> str:
        """A text that ends with a line break, as a signed note (C2SP). Its first line says what kind of text it is."""
        signature = self._key.sign(text.encode())
        return f"{text}\n\u2014 {NAME} {_text(self.verifier.key_hash + signature)}\n"


class CheckpointVerifier:
    """Checks notes by the public key alone."""

    def __init__(self, public_key: bytes) -> None:
        self._public = public_key
        self._key = Ed25519PublicKey.from_public_bytes(public_key)
        self.key_hash = hashlib.sha256(NAME.encode() + b"\n" + _ED25519 + public_key).digest()[:4]

    @property
    def text(self) -> str:
        """The verifier key as tools for signed notes take it: `<name>+<hash>+<key>`."""
        return f"{NAME}+{self.key_hash.hex()}+{_text(_ED25519 + self._public)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a verifier key. Raises CheckpointInvalid."""
        name, _, rest = text.strip().partition("+")
        key_hash, _, key = rest.partition("+")
        raw = _bytes(key)
        if name != NAME or len(raw) != 33 or raw[:1] != _ED25519:
            raise CheckpointInvalid(f"a verifier key begins with {NAME}+ and holds an Ed25519 key")
        verifier = cls(raw[1:])
        if verifier.key_hash.hex() != key_hash:
            raise CheckpointInvalid("the verifier key's hash does not fit it")
        return verifier

    def open(self, note: str) -> Checkpoint:
        """What a signed checkpoint says. Raises CheckpointInvalid if it is malformed or not signed by this key."""
        return Checkpoint.parse(self.text_of(note))

    def text_of(self, note: str) -> str:
        """The text of a signed note. Raises CheckpointInvalid if it is not signed by this key."""
        body, gap, signatures = note.rpartition("\n\n")
        if not gap:
            raise CheckpointInvalid("a signed note has an empty line before its signatures")
        text = f"{body}\n"
        for line in signatures.splitlines():
            if not line.startswith(f"\u2014 {NAME} "):
                continue
            signed = _bytes(line.rpartition(" ")[2])
            if signed[:4] != self.key_hash:
                continue
            try:
                self._key.verify(signed[4:], text.encode())
            except InvalidSignature:
                raise CheckpointInvalid("the signature does not fit the checkpoint") from None
            return text
        raise CheckpointInvalid("the note is not signed with this key")


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise CheckpointInvalid("a hash, key or signature is not base64") from None
