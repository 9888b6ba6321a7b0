import com.fasterxml.jackson.databind.node.TextNode;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.Scanner;
import java.util.UUID;
import java.util.concurrent.Future;
import java.util.function.Function;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.serialization.UUIDSerializer;
import org.apache.kafka.connect.json.JsonSerializer;

/**
 * Sends keys to a topic, each as key and as value, with one serializer. Environment: KAFKA_BROKERS, TOPIC,
 * SETTING; keys come on standard input, one a line.
 */
public final class Keys {
  public static void main(String[] arguments) throws Exception {
    String setting = System.getenv("SETTING");
    switch (setting) {
      case "java" -> send(new StringSerializer(), key -> key);
      case "java-uuid" -> send(new UUIDSerializer(), UUID::fromString);
      case "java-json" -> send(new JsonSerializer(), TextNode::new);
      case "java-bytes" -> send(new ByteArraySerializer(), Keys::bytesOf);
      default -> throw new IllegalArgumentException("no such setting: " + setting);
    }
  }

  private static <K> void send(Serializer<K> serializer, Function<String, K> keyOf) throws Exception {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", System.getenv("KAFKA_BROKERS"));
    try (var producer = new KafkaProducer<>(properties, serializer, new StringSerializer())) {
      List<Future<?>> sent = new ArrayList<>();
      Scanner lines = new Scanner(System.in);
      while (lines.hasNextLine()) {
        String line = lines.nextLine();
        sent.add(producer.send(new ProducerRecord<>(System.getenv("TOPIC"), keyOf.apply(line), line)));
      }
      for (Future<?> one : sent) one.get();
    }
  }

  private static byte[] bytesOf(String text) {
    UUID id = UUID.fromString(text);
    return ByteBuffer.allocate(16)
        .putLong(id.getMostSignificantBits())
        .putLong(id.getLeastSignificantBits())
        .array();
  }
}
