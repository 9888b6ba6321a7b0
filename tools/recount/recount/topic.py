"""Reads ranges of a topic with librdkafka, which Adtally's own reader has no part in."""

import os
import time
from collections.abc import Iterator
from typing import NamedTuple

from .counting import Place, Record
from .errors import Unavailable

READ_RECORDS = 5_000
ANSWER_SECONDS = 30.0
# The client waits so long for a full number of records, whatever it has.
FETCH_SECONDS = 0.1
SILENT_SECONDS = 60.0

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
            spelt = str(described[topic].result(ANSWER_SECONDS).topic_id)
        except KafkaException as error:
            if error.args[0].name() == "UNKNOWN_TOPIC_OR_PART":
                return None
            raise Unavailable(f"the brokers do not answer: {error}") from error
        # librdkafka spells ids in base64, Kafka itself in its form for file names and URLs.
        return spelt.translate(str.maketrans("+/", "-_"))

    def log(self, topic: str, partition: int) -> tuple[int, int]:
        """The first offset that is still there, and the end."""
        from confluent_kafka import KafkaException, TopicPartition

        try:
            return self._consumer.get_watermark_offsets(TopicPartition(topic, partition), ANSWER_SECONDS)
        except KafkaException as error:
            raise Unavailable(f"the brokers do not answer: {error}") from error

    def read(self, ranges: list[Range]) -> Iterator[Record]:
        """Every record of the ranges, one of each partition at most; of a partition in the order of offsets."""
        from confluent_kafka import KafkaError, TopicPartition

        ends = {(one.topic, one.partition): one.end for one in ranges if one.first < one.end}
        self._consumer.assign(
            [TopicPartition(one.topic, one.partition, one.first) for one in ranges if one.first < one.end]
        )
        heard_at = time.monotonic()
        while ends:
            messages = self._consumer.consume(READ_RECORDS, FETCH_SECONDS)
            if messages:
                heard_at = time.monotonic()
            elif time.monotonic() - heard_at > SILENT_SECONDS:
                raise Unavailable(f"no records come of {', '.join(f'{topic}[{n}]' for topic, n in ends)}")
            for message in messages:
                topic, partition, offset = message.topic(), message.partition(), message.offset()
                error = message.error()
                is_end = error is not None and error.code() == KafkaError._PARTITION_EOF
                if error is not None and not is_end:
                    raise Unavailable(f"{topic}[{partition}] cannot be read: {error}")
                end = ends.get((topic, partition), -1)
                if not is_end and offset < end:
                    place = Place(topic, partition, offset)
                    yield Record(place, message.value(), message.headers(), message.timestamp()[1])
                if end >= 0 and (is_end or offset >= end - 1):
                    del ends[topic, partition]
                    self._consumer.incremental_unassign([TopicPartition(topic, partition)])
        self._consumer.unassign()

    def close(self) -> None:
        self._consumer.close()
