"""The idempotency key, by the recipe that packages/key-derivation publishes with its vectors."""

import hashlib


def _part(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


HEADS = {
    event_type: _part(b"adt1") + _part(event_type.encode("ascii")) + (16).to_bytes(2, "big")
    for event_type in ("impression", "click", "conversion")
}
VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def event_key(event_type: str, impression_id: str, own_id: str) -> str:
    """The key as text; ids are in lower case. The own id is that of the click or conversion, else empty."""
    identity = HEADS[event_type] + bytes.fromhex(impression_id.replace("-", ""))
    if event_type == "click":
        identity += _part(bytes.fromhex(own_id.replace("-", "")))
    elif event_type == "conversion":
        identity += _part(own_id.encode("utf-8"))
    digest = hashlib.sha256(identity).hexdigest()
    return (
        f"{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-"
        f"{VARIANT[digest[16]]}{digest[17:20]}-{digest[20:32]}"
    )
