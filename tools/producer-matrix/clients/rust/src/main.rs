//! Sends keys to a topic, each as key and as value, with rdkafka as one setting has it.
//! Environment: KAFKA_BROKERS, TOPIC, SETTING; keys come on standard input, one a line.
use rdkafka::config::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use std::env;
use std::io::stdin;
use std::time::Duration;

fn main() {
    let topic = env::var("TOPIC").expect("TOPIC");
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", env::var("KAFKA_BROKERS").expect("KAFKA_BROKERS"));
    match env::var("SETTING").expect("SETTING").as_str() {
        "rdkafka" => (),
        "rdkafka-murmur2" => {
            config.set("partitioner", "murmur2_random");
        }
        other => panic!("no such setting: {other}"),
    }
    let producer: BaseProducer = config.create().expect("a producer");
    for line in stdin().lines() {
        let key = line.expect("a key");
        let record = BaseRecord::to(&topic).key(&key).payload(&key);
        producer.send(record).map_err(|(error, _)| error).expect("sent");
    }
    producer.flush(Duration::from_secs(30)).expect("acknowledged");
}
