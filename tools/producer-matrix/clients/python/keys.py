"""Sends keys to a topic, each as key and as value, with one client as one setting has it.

Environment: KAFKA_BROKERS, TOPIC, SETTING; keys come on standard input, one a line.
"""

import asyncio
import os
import sys

BROKERS = os.environ["KAFKA_BROKERS"]
TOPIC = os.environ["TOPIC"]


def with_confluent(**settings):
    from confluent_kafka import Producer

    def send(keys):
        producer = Producer({"bootstrap.servers": BROKERS, **settings})
        for key in keys:
            producer.produce(TOPIC, key=key, value=key)
        if producer.flush(30) != 0:
            sys.exit("not all were acknowledged")

    return send


def with_kafka_python(keys):
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=BROKERS.split(","))
    sent = [producer.send(TOPIC, key=key.encode(), value=key.encode()) for key in keys]
    for one in sent:
        one.get(timeout=30)
    producer.close()


def with_aiokafka(keys):
    from aiokafka import AIOKafkaProducer

    async def send_all():
        producer = AIOKafkaProducer(bootstrap_servers=BROKERS.split(","))
        await producer.start()
        for key in keys:
            await producer.send_and_wait(TOPIC, key=key.encode(), value=key.encode())
        await producer.stop()

    asyncio.run(send_all())


SETTINGS = {
    "confluent": with_confluent(),
    "confluent-murmur2": with_confluent(partitioner="murmur2_random"),
    "kafka-python": with_kafka_python,
    "aiokafka": with_aiokafka,
}

SETTINGS[os.environ["SETTING"]](sys.stdin.read().split())
