#!/usr/bin/env bash
# Sends the keys on standard input by Bento, each as key and as value. First word: the program.
set -euo pipefail
config=$(mktemp)
trap 'rm -f "$config"' EXIT
case $SETTING in
  kafka) output='kafka: { addresses: ["${KAFKA_BROKERS}"], topic: "${TOPIC}", key: "${! content() }" }' ;;
  kafka-murmur2) output='kafka: { addresses: ["${KAFKA_BROKERS}"], topic: "${TOPIC}", key: "${! content() }", partitioner: murmur2_hash }' ;;
  kafka_franz) output='kafka_franz: { seed_brokers: ["${KAFKA_BROKERS}"], topic: "${TOPIC}", key: "${! content() }" }' ;;
  *) echo "no such setting: $SETTING" >&2; exit 2 ;;
esac
printf 'http: { enabled: false }\ninput: { stdin: {} }\noutput: { %s }\nlogger: { level: ERROR }\n' "$output" >"$config"
"$1" -c "$config"
