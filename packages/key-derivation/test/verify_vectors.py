#!/usr/bin/env python3
"""Checks the frozen vectors with nothing but Python's standard library.

It is the second implementation of the idempotency key and of the partition key: a producer or an
auditor in another language can read it as the recipe. Exit code 0 only when every vector agrees.

    python3 verify_vectors.py [vectors.json]
"""

import hashlib
import json
import pathlib
import struct
import sys
import uuid

FORMAT_TAG = b"adt1"


def uuid_bytes(text: str) -> bytes:
    return uuid.UUID(text).bytes


# By event type: what tells an event from others of its type and impression, and its bytes.
OWN_ID = {
    "impression": None,
    "click": ("click_id", uuid_bytes),
    "conversion": ("conversion_id", str.encode),
}


def part(data: bytes) -> bytes:
    """Length as unsigned 16 bit big endian, then the bytes: no two inputs run together."""
    return struct.pack(">H", len(data)) + data


def event_key(event: dict) -> str:
    """The idempotency key: a UUIDv8 of the first bits of SHA-256 over the identity."""
    identity = part(FORMAT_TAG) + part(event["event_type"].encode("ascii"))
    identity += part(uuid_bytes(event["impression_id"]))
    own_id = OWN_ID[event["event_type"]]
    if own_id is not None:
        name, bytes_of = own_id
        identity += part(bytes_of(event[name]))
    digest = bytearray(hashlib.sha256(identity).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(digest)))


def murmur2(data: bytes) -> int:
    """Kafka's murmur2 (org.apache.kafka.common.utils.Utils), as a signed 32-bit integer."""
    mask, mix = 0xFFFFFFFF, 0x5BD1E995
    value = 0x9747B28C ^ len(data)
    whole = len(data) // 4 * 4
    for (word,) in struct.iter_unpack("<I", data[:whole]):
        word = word * mix & mask
        word ^= word >> 24
        value = (value * mix & mask) ^ (word * mix & mask)
    rest = data[whole:]
    if rest:
        value = (value ^ int.from_bytes(rest, "little")) * mix & mask
    value ^= value >> 13
    value = value * mix & mask
    value ^= value >> 15
    return value - (1 << 32) if value >> 31 else value


def partition(key: str, partitions: int) -> int:
    """What Kafka's default partitioner gives a key."""
    return (murmur2(key.encode("utf-8")) & 0x7FFFFFFF) % partitions


def differences(vectors: dict) -> list:
    """One line for every value that is not what this implementation says."""
    found = []
    for index, event in enumerate(vectors["events"]):
        kafka_key = str(uuid.UUID(event["impression_id"]))
        expected = {"event_key": event_key(event), "kafka_key": kafka_key}
        for count in (12, 64):
            expected[f"partition_of_{count}"] = partition(kafka_key, count)
        for name, value in expected.items():
            if event[name] != value:
                found.append(f"events[{index}].{name}: {event[name]} is not {value}")
    for index, vector in enumerate(vectors["murmur2"]):
        value = murmur2(vector["text"].encode("utf-8"))
        if vector["hash"] != value:
            found.append(f"murmur2[{index}]: {vector['hash']} is not {value}")
    return found


def main() -> int:
    default = pathlib.Path(__file__).with_name("vectors.json")
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    vectors = json.loads(path.read_text(encoding="utf-8"))
    found = differences(vectors)
    for line in found:
        print(line, file=sys.stderr)
    count = len(vectors["events"]) + len(vectors["murmur2"])
    print(f"{count - len(found)} of {count} vectors agree" if found else f"{count} vectors agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
