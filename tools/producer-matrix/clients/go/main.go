// Sends keys to a topic, each as key and as value, with one client as one setting has it.
// Environment: KAFKA_BROKERS, TOPIC, SETTING; keys come on standard input, one a line.
package main

import (
	"bufio"
	"context"
	"fmt"
	"hash"
	"os"
	"strings"

	"github.com/IBM/sarama"
	ckafka "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
)

type send func(brokers []string, topic string, keys []string) error

var settings = map[string]send{
	"sarama":                 withSarama(sarama.NewHashPartitioner),
	"sarama-reference":       withSarama(sarama.NewReferenceHashPartitioner),
	"sarama-murmur2":         withSarama(sarama.NewMurmur2Partitioner),
	"sarama-custom":          withSarama(sarama.NewCustomPartitioner(sarama.WithCustomHashFunction(newMurmur2))),
	"sarama-custom-absfirst": withSarama(sarama.NewCustomPartitioner(sarama.WithAbsFirst(), sarama.WithCustomHashFunction(newMurmur2))),
	"franz-go":               withFranz,
	"kafka-go":               withKafkaGo(nil),
	"kafka-go-hash":          withKafkaGo(&kafkago.Hash{}),
	"kafka-go-crc32":         withKafkaGo(kafkago.CRC32Balancer{}),
	"kafka-go-murmur2":       withKafkaGo(kafkago.Murmur2Balancer{}),
	"confluent":              withConfluent(""),
	"confluent-murmur2":      withConfluent("murmur2_random"),
}

func main() {
	keys := []string{}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		keys = append(keys, lines.Text())
	}
	work, known := settings[os.Getenv("SETTING")]
	if !known {
		fmt.Fprintln(os.Stderr, "no such setting:", os.Getenv("SETTING"))
		os.Exit(2)
	}
	if err := work(strings.Split(os.Getenv("KAFKA_BROKERS"), ","), os.Getenv("TOPIC"), keys); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func withSarama(partitioner sarama.PartitionerConstructor) send {
	return func(brokers []string, topic string, keys []string) error {
		config := sarama.NewConfig()
		config.Producer.Return.Successes = true
		config.Producer.RequiredAcks = sarama.WaitForAll
		config.Producer.Partitioner = partitioner
		producer, err := sarama.NewSyncProducer(brokers, config)
		if err != nil {
			return err
		}
		defer producer.Close()
		for _, key := range keys {
			message := &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(key), Value: sarama.StringEncoder(key)}
			if _, _, err := producer.SendMessage(message); err != nil {
				return err
			}
		}
		return nil
	}
}

func withFranz(brokers []string, topic string, keys []string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.DefaultProduceTopic(topic))
	if err != nil {
		return err
	}
	defer client.Close()
	records := []*kgo.Record{}
	for _, key := range keys {
		records = append(records, &kgo.Record{Key: []byte(key), Value: []byte(key)})
	}
	return client.ProduceSync(context.Background(), records...).FirstErr()
}

func withKafkaGo(balancer kafkago.Balancer) send {
	return func(brokers []string, topic string, keys []string) error {
		writer := &kafkago.Writer{Addr: kafkago.TCP(brokers...), Topic: topic, Balancer: balancer, RequiredAcks: kafkago.RequireAll}
		defer writer.Close()
		messages := []kafkago.Message{}
		for _, key := range keys {
			messages = append(messages, kafkago.Message{Key: []byte(key), Value: []byte(key)})
		}
		return writer.WriteMessages(context.Background(), messages...)
	}
}

func withConfluent(partitioner string) send {
	return func(brokers []string, topic string, keys []string) error {
		config := ckafka.ConfigMap{"bootstrap.servers": strings.Join(brokers, ",")}
		if partitioner != "" {
			config["partitioner"] = partitioner
		}
		producer, err := ckafka.NewProducer(&config)
		if err != nil {
			return err
		}
		defer producer.Close()
		delivered := make(chan ckafka.Event, len(keys))
		for _, key := range keys {
			message := &ckafka.Message{
				TopicPartition: ckafka.TopicPartition{Topic: &topic, Partition: ckafka.PartitionAny},
				Key:            []byte(key),
				Value:          []byte(key),
			}
			if err := producer.Produce(message, delivered); err != nil {
				return err
			}
		}
		for range keys {
			if report, isMessage := (<-delivered).(*ckafka.Message); isMessage && report.TopicPartition.Error != nil {
				return report.TopicPartition.Error
			}
		}
		return nil
	}
}

// Java's hash as a hash.Hash32, for sarama before it had a partitioner of Java's.
type murmur2 struct{ data []byte }

func newMurmur2() hash.Hash32 { return &murmur2{} }

func (m *murmur2) Write(data []byte) (int, error) {
	m.data = append(m.data, data...)
	return len(data), nil
}
func (m *murmur2) Sum(prefix []byte) []byte { return prefix }
func (m *murmur2) Reset()                   { m.data = m.data[:0] }
func (m *murmur2) Size() int                { return 4 }
func (m *murmur2) BlockSize() int           { return 4 }

func (m *murmur2) Sum32() uint32 {
	const mix = 0x5bd1e995
	data := m.data
	sum := uint32(0x9747b28c) ^ uint32(len(data))
	for ; len(data) >= 4; data = data[4:] {
		word := uint32(data[0]) | uint32(data[1])<<8 | uint32(data[2])<<16 | uint32(data[3])<<24
		word *= mix
		word ^= word >> 24
		sum = sum*mix ^ word*mix
	}
	for index := len(data) - 1; index >= 0; index-- {
		sum ^= uint32(data[index]) << (8 * index)
		if index == 0 {
			sum *= mix
		}
	}
	sum ^= sum >> 13
	sum *= mix
	return sum ^ sum>>15
}
