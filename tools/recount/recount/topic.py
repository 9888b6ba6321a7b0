"""Reads ranges of a topic with librdkafka, which Adtally's own reader has no part in."""

import os
from collections.abc import Iterator
from typing import NamedTuple

from .counting import Place, Record
from .errors import Unavailable

READ_RECORDS = 5_000
WAIT_SECONDS = 10.0
SILENT_WAITS = 6

SETTINGS = {
    "KAFKA_SECURITY_PROTOCOL": "security.protocol",
    "KAFKA_SSL_CA_FILE": "ssl.ca.location",
    "KAFKA_SSL_CERT_FILE": "ssl.certificate.location",
    "KAFKA_SSL_KEY_FILE": "ssl.key.location",
    "KAFKA_SASL_MECHANISM": "sasl.mechanism",
    "KAFKA_SASL_USERNAME": "sasl.username",
    "KAFKA_SASL_PASSWORD": "sasl.password",
}


class Range(NamedTuple):
    """Offsets [first, end) of a partition; those before what the log still has are not in it."""

    topic: str
    partition: int
    first: int
    end: int


class Topics:
    """A connection to the brokers of the environment."""

    def __init__(self) -> None:
        from confluent_kafka import Consumer
        from confluent_kafka.admin import AdminClient

        settings = {name: os.environ[variable] for variable, name in SETTINGS.items() if os.environ.get(variable)}
        self._settings = {"bootstrap.servers": os.environ["KAFKA_BROKERS"], **settings}
        # Kept: one that nothing names any more ends with what it was asked.
        self._admin = AdminClient(self._settings)
        self._consumer = Consumer(
            self._settings
            | {
                "group.id": "adtally-recount",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
            }
        )

    def topic_id(self, topic: str) -> str | None:
        """Kafka's own identity of a topic; None where there is no such topic."""
        from confluent_kafka import KafkaException, TopicCollection

        described = self._admin.describe_topics(TopicCollection([topic]))
        try:
            return str(described[topic].result(WAIT_SECONDS).topic_id)
        except KafkaException as error:
            if error.args[0].name() == "UNKNOWN_TOPIC_OR_PART":
                return None
            raise Unavailable(f"the brokers do not answer: {error}") from error

    def log(self, topic: str, partition: int) -> tuple[int, int]:
        """The first offset that is still there, and the end."""
        from confluent_kafka import KafkaException, TopicPartition

        try:
            return self._consumer.get_watermark_offsets(TopicPartition(topic, partition), WAIT_SECONDS)
        except KafkaException as error:
            raise Unavailable(f"the brokers do not answer: {error}") from error

    def read(self, ranges: list[Range]) -> Iterator[Record]:
        """Every record of the ranges, one range after the other."""
        for one in ranges:
            if one.first < one.end:
                yield from self._read(one)

    def _read(self, wanted: Range) -> Iterator[Record]:
        from confluent_kafka import KafkaError, TopicPartition

        topic, partition = wanted.topic, wanted.partition
        consumer = self._consumer
        consumer.assign([TopicPartition(topic, partition, wanted.first)])
        silent = 0
        try:
            while True:
                messages = consumer.consume(READ_RECORDS, WAIT_SECONDS)
                silent = 0 if messages else silent + 1
                if silent == SILENT_WAITS:
                    raise Unavailable(f"{topic}[{partition}] gives no records")
                for message in messages:
                    error = message.error()
                    if error is not None and error.code() == KafkaError._PARTITION_EOF:
                        return
                    if error is not None:
                        raise Unavailable(f"{topic}[{partition}] cannot be read: {error}")
                    offset = message.offset()
                    if offset >= wanted.end:
                        return
                    place = Place(topic, partition, offset)
                    yield Record(place, message.value(), message.headers(), message.timestamp()[1])
                    if offset == wanted.end - 1:
                        return
        finally:
            consumer.unassign()

    def close(self) -> None:
        self._consumer.close()
