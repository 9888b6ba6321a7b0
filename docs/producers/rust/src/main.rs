//! Sends impressions, a click for every tenth and a conversion for every hundredth, as the contract asks.
//!
//!     KAFKA_BROKERS=localhost:9092 TOPIC=my-test-topic cargo run
//!
//! What matters is in the settings of the producer and in `send`.
use rdkafka::config::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::ClientContext;
use serde_json::{json, Value};
use std::env;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;
use time::{format_description::well_known::Rfc3339, OffsetDateTime};
use uuid::Uuid;

/// Counts what was not acknowledged.
struct Deliveries {
    failed: Arc<AtomicUsize>,
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _: ()) {
        if result.is_err() {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn main() {
    let topic = setting("TOPIC", "my-test-topic");
    let count: usize = setting("EVENTS", "1000").parse().expect("EVENTS is a number");
    let failed = Arc::new(AtomicUsize::new(0));
    let producer: ThreadedProducer<Deliveries> = ClientConfig::new()
        .set("bootstrap.servers", setting("KAFKA_BROKERS", "localhost:9092"))
        .set("client.id", "example-rust")
        // Java's. The default of librdkafka, CRC32, places nearly all keys elsewhere.
        .set("partitioner", "murmur2_random")
        // With acks from all replicas in sync.
        .set("enable.idempotence", "true")
        .create_with_context(Deliveries { failed: failed.clone() })
        .expect("a producer");
    for n in 0..count {
        // Made when the impression is shown: its time is the impression's.
        let shown = json!({
            "schema_version": 1,
            "event_type": "impression",
            "impression_id": Uuid::now_v7().to_string(),
            "occurred_at": now(),
            "campaign_id": "c-7",
            "creative_id": "cr-19",
            "placement_id": "home-top",
            "currency": "EUR",
            "source": "example-rust",
        });
        let mut impression = shown.clone();
        impression["price_micros"] = json!(1_500_000);
        send(&producer, &topic, &impression);
        if n % 10 > 0 {
            continue;
        }
        let click_id = Uuid::now_v7().to_string();
        let mut click = shown.clone();
        click["event_type"] = json!("click");
        click["click_id"] = json!(click_id);
        click["occurred_at"] = json!(now());
        click["price_micros"] = json!(250_000);
        send(&producer, &topic, &click);
        if n % 100 == 0 {
            let mut conversion = shown;
            conversion["event_type"] = json!("conversion");
            conversion["click_id"] = json!(click_id);
            conversion["conversion_id"] = json!(format!("order-{click_id}"));
            conversion["occurred_at"] = json!(now());
            conversion["value_micros"] = json!(49_990_000);
            send(&producer, &topic, &conversion);
        }
    }
    producer.flush(Duration::from_secs(30)).expect("all are acknowledged");
    assert_eq!(failed.load(Ordering::Relaxed), 0, "some were not acknowledged");
}

/// The key is the impression's id in every event of the impression, in lower case.
fn send(producer: &ThreadedProducer<Deliveries>, topic: &str, event: &Value) {
    let key = event["impression_id"].as_str().expect("an id");
    let value = event.to_string();
    let mut record = BaseRecord::to(topic).key(key).payload(&value);
    while let Err((error, unsent)) = producer.send(record) {
        match error {
            KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) => {
                producer.flush(Duration::from_secs(1)).ok();
                record = unsent;
            }
            other => panic!("{other}"),
        }
    }
}

fn now() -> String {
    OffsetDateTime::now_utc().format(&Rfc3339).expect("a time")
}

fn setting(name: &str, otherwise: &str) -> String {
    env::var(name).unwrap_or_else(|_| otherwise.to_owned())
}
