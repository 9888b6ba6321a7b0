"""Sends impressions, a click for every tenth and a conversion for every hundredth, as the contract asks.

    pip install -r requirements.txt
    KAFKA_BROKERS=localhost:9092 TOPIC=my-test-topic python send_events.py

What matters is in the settings of the producer and in `send`.
"""

import json
import os
import secrets
import sys
import time
import uuid
from datetime import datetime, timezone

from confluent_kafka import Producer

TOPIC = os.environ.get("TOPIC", "my-test-topic")
failures = []

producer = Producer(
    {
        "bootstrap.servers": os.environ.get("KAFKA_BROKERS", "localhost:9092"),
        "client.id": "example-python",
        # Java's. The default of librdkafka, CRC32, places nearly all keys elsewhere.
        "partitioner": "murmur2_random",
        # With acks from all replicas in sync.
        "enable.idempotence": True,
    }
)


def uuid7() -> uuid.UUID:
    """Python has it from 3.14 on, as uuid.uuid7()."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    return uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


def now() -> str:
    return datetime.now(timezone.utc).isoformat()


def send(event: dict) -> None:
    """The key is the impression's id in every event of the impression, in lower case."""
    producer.produce(
        TOPIC,
        key=event["impression_id"],
        value=json.dumps(event),
        on_delivery=lambda error, _: error and failures.append(error),
    )
    producer.poll(0)


for n in range(int(os.environ.get("EVENTS", "1000"))):
    shown = {
        "schema_version": 1,
        # Made when the impression is shown: its time is the impression's.
        "impression_id": str(uuid7()),
        "occurred_at": now(),
        "campaign_id": "c-7",
        "creative_id": "cr-19",
        "placement_id": "home-top",
        "currency": "EUR",
        "source": "example-python",
    }
    send({**shown, "event_type": "impression", "price_micros": 1_500_000})
    if n % 10 == 0:
        click = {"event_type": "click", "click_id": str(uuid7()), "occurred_at": now()}
        send({**shown, **click, "price_micros": 250_000})
        if n % 100 == 0:
            order = {"event_type": "conversion", "conversion_id": f"order-{n}-{click['click_id']}"}
            order |= {"click_id": click["click_id"], "occurred_at": now()}
            send({**shown, **order, "value_micros": 49_990_000})

if producer.flush(30) > 0 or failures:
    sys.exit(f"not all were acknowledged: {failures[:3]}")
