// Sends impressions, a click for every tenth and a conversion for every hundredth, as the contract asks.
//
//	go mod tidy
//	KAFKA_BROKERS=localhost:9092 TOPIC=my-test-topic go run .
//
// What matters is that franz-go is left at its defaults, and recordOf.
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"
)

type event struct {
	SchemaVersion int       `json:"schema_version"`
	EventType     string    `json:"event_type"`
	ImpressionID  string    `json:"impression_id"`
	ClickID       string    `json:"click_id,omitempty"`
	ConversionID  string    `json:"conversion_id,omitempty"`
	OccurredAt    time.Time `json:"occurred_at"`
	CampaignID    string    `json:"campaign_id"`
	CreativeID    string    `json:"creative_id"`
	PlacementID   string    `json:"placement_id"`
	PriceMicros   *int64    `json:"price_micros,omitempty"`
	ValueMicros   *int64    `json:"value_micros,omitempty"`
	Currency      string    `json:"currency"`
	Source        string    `json:"source"`
}

func main() {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(setting("KAFKA_BROKERS", "localhost:9092"), ",")...),
		kgo.DefaultProduceTopic(setting("TOPIC", "my-test-topic")),
		kgo.ClientID("example-go"),
		// Its defaults are what is asked: Java's partitioner, idempotence, acks from all replicas in sync.
	)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	count, err := strconv.Atoi(setting("EVENTS", "1000"))
	if err != nil {
		log.Fatal(err)
	}
	var records []*kgo.Record
	for n := range count {
		shown := event{
			SchemaVersion: 1,
			EventType:     "impression",
			// Made when the impression is shown: its time is the impression's.
			ImpressionID: uuid.Must(uuid.NewV7()).String(),
			OccurredAt:   time.Now().UTC(),
			CampaignID:   "c-7",
			CreativeID:   "cr-19",
			PlacementID:  "home-top",
			PriceMicros:  micros(1_500_000),
			Currency:     "EUR",
			Source:       "example-go",
		}
		records = append(records, recordOf(shown))
		if n%10 == 0 {
			click := shown
			click.EventType = "click"
			click.ClickID = uuid.Must(uuid.NewV7()).String()
			click.OccurredAt = time.Now().UTC()
			click.PriceMicros = micros(250_000)
			records = append(records, recordOf(click))
			if n%100 == 0 {
				conversion := click
				conversion.EventType = "conversion"
				conversion.ConversionID = "order-" + click.ClickID
				conversion.OccurredAt = time.Now().UTC()
				conversion.PriceMicros = nil
				conversion.ValueMicros = micros(49_990_000)
				records = append(records, recordOf(conversion))
			}
		}
	}
	if err := client.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		log.Fatal(err)
	}
}

// The key is the impression's id in every event of the impression, in lower case.
func recordOf(sent event) *kgo.Record {
	value, err := json.Marshal(sent)
	if err != nil {
		log.Fatal(err)
	}
	return &kgo.Record{Key: []byte(sent.ImpressionID), Value: value}
}

// A pointer: an amount of zero is sent, one that the type of event does not have is not.
func micros(amount int64) *int64 { return &amount }

func setting(name, otherwise string) string {
	if given := os.Getenv(name); given != "" {
		return given
	}
	return otherwise
}
