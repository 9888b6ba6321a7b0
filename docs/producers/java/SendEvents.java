import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Sends impressions, a click for every tenth and a conversion for every hundredth, as the contract asks.
 *
 * <pre>
 *   mvn dependency:copy-dependencies -DoutputDirectory=jars
 *   KAFKA_BROKERS=localhost:9092 TOPIC=my-test-topic java -cp "jars/*" SendEvents.java
 * </pre>
 *
 * <p>What matters is the key's serializer and {@code recordOf}.
 */
public final class SendEvents {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final String TOPIC = setting("TOPIC", "my-test-topic");

  public static void main(String[] arguments) throws Exception {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", setting("KAFKA_BROKERS", "localhost:9092"));
    properties.put("client.id", "example-java");
    // The defaults already; a cluster's defaults elsewhere may differ.
    properties.put("enable.idempotence", "true");
    properties.put("acks", "all");
    // Not a JSON serializer: it would put the key into quotes, and hash them too.
    StringSerializer text = new StringSerializer();
    int count = Integer.parseInt(setting("EVENTS", "1000"));
    try (var producer = new KafkaProducer<>(properties, text, text)) {
      List<Future<?>> sent = new ArrayList<>();
      for (int n = 0; n < count; n++) {
        // Made when the impression is shown: its time is the impression's.
        String impressionId = uuid7().toString();
        ObjectNode impression = event("impression", impressionId).put("price_micros", 1_500_000);
        sent.add(producer.send(recordOf(impression)));
        if (n % 10 > 0) continue;
        String clickId = uuid7().toString();
        ObjectNode click = event("click", impressionId).put("click_id", clickId);
        sent.add(producer.send(recordOf(click.put("price_micros", 250_000))));
        if (n % 100 > 0) continue;
        ObjectNode conversion = event("conversion", impressionId).put("click_id", clickId);
        conversion.put("conversion_id", "order-" + clickId).put("value_micros", 49_990_000);
        sent.add(producer.send(recordOf(conversion)));
      }
      for (Future<?> one : sent) one.get();
    }
  }

  private static ObjectNode event(String type, String impressionId) {
    return JSON.createObjectNode()
        .put("schema_version", 1)
        .put("event_type", type)
        .put("impression_id", impressionId)
        .put("occurred_at", Instant.now().toString())
        .put("campaign_id", "c-7")
        .put("creative_id", "cr-19")
        .put("placement_id", "home-top")
        .put("currency", "EUR")
        .put("source", "example-java");
  }

  /** The key is the impression's id in every event of the impression, in lower case. */
  private static ProducerRecord<String, String> recordOf(ObjectNode event) {
    return new ProducerRecord<>(TOPIC, event.get("impression_id").textValue(), event.toString());
  }

  private static UUID uuid7() {
    long high = System.currentTimeMillis() << 16 | 0x7000 | RANDOM.nextLong() & 0xfff;
    long low = RANDOM.nextLong() & 0x3fffffffffffffffL | 0x8000000000000000L;
    return new UUID(high, low);
  }

  private static String setting(String name, String otherwise) {
    String given = System.getenv(name);
    return given == null || given.isEmpty() ? otherwise : given;
  }
}
