#!/usr/bin/env bash
# Sends the keys on standard input by Telegraf: a metric each, whose tag is the message key. First word: the program.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sed 's/.*/event,impression_id=& value="&"/' >"$folder/metrics"
cat >"$folder/telegraf.conf" <<CONF
[agent]
  omit_hostname = true
[[inputs.file]]
  files = ["$folder/metrics"]
  data_format = "influx"
[[outputs.kafka]]
  brokers = ["$KAFKA_BROKERS"]
  topic = "$TOPIC"
  routing_tag = "impression_id"
CONF
"$1" --config "$folder/telegraf.conf" --once
