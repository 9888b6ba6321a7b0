#!/usr/bin/env bash
# sarama 1.61.1: NewReferenceHashPartitioner has the sign rule of the reference client and another hash
#
# Its documents say that it "handles absolute values in the same way as the reference Java implementation", and it is
# taken for Java's partitioner by that name. It hashes by FNV-1a, Java by murmur2: of 10,000 keys as many lie where Java
# puts them as chance puts there. The other way round, Java's hash as a custom hash with sarama's own sign rule, is
# right for half of the keys and so looks right in a small test. NewMurmur2Partitioner, in this version, is Java's.
#
# Seen, of 10,000 keys and 12 partitions:
#   NewHashPartitioner: 853 as Java
#   NewReferenceHashPartitioner: 852 as Java
#   NewCustomHashPartitioner(murmur2): 5879 as Java
#   NewMurmur2Partitioner: 10000 as Java
#
# Java is org.apache.kafka:kafka-clients 4.3.1's rule, (murmur2(key) & 0x7fffffff) % partitions, held to its own vector.
# Needs go >= 1.25. Exits 0 while the behaviour is as described, 1 where it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >main.go <<'GO'
package main

import (
	"encoding/binary"
	"fmt"
	"hash"

	"github.com/IBM/sarama"
)

const (
	keys       = 10_000
	partitions = 12
	mix        = 0x5bd1e995
)

// org.apache.kafka.common.utils.Utils.murmur2
func murmur2(data []byte) int32 {
	sum := uint32(0x9747b28c) ^ uint32(len(data))
	for ; len(data) >= 4; data = data[4:] {
		word := binary.LittleEndian.Uint32(data) * mix
		sum = sum*mix ^ (word^word>>24)*mix
	}
	for index := len(data) - 1; index >= 0; index-- {
		sum ^= uint32(data[index]) << (8 * index)
	}
	if len(data) > 0 {
		sum *= mix
	}
	sum = (sum ^ sum>>13) * mix
	return int32(sum ^ sum>>15)
}

type murmur2Hash struct{ data []byte }

func (m *murmur2Hash) Write(data []byte) (int, error) { m.data = append(m.data, data...); return len(data), nil }
func (m *murmur2Hash) Sum(prefix []byte) []byte       { return prefix }
func (m *murmur2Hash) Sum32() uint32                  { return uint32(murmur2(m.data)) }
func (m *murmur2Hash) Reset()                         { m.data = nil }
func (m *murmur2Hash) Size() int                      { return 4 }
func (m *murmur2Hash) BlockSize() int                 { return 4 }

func tell(name string, constructor sarama.PartitionerConstructor) {
	partitioner := constructor("topic")
	agreed := 0
	for n := range keys {
		key := fmt.Sprintf("key-%d", n)
		placed, err := partitioner.Partition(&sarama.ProducerMessage{Key: sarama.StringEncoder(key)}, partitions)
		if err != nil {
			panic(err)
		}
		if placed == (murmur2([]byte(key))&0x7fffffff)%partitions {
			agreed++
		}
	}
	fmt.Printf("%s: %d as Java\n", name, agreed)
}

func main() {
	if murmur2([]byte("foobar")) != -790332482 {
		panic("not Java's hash")
	}
	tell("NewHashPartitioner", sarama.NewHashPartitioner)
	tell("NewReferenceHashPartitioner", sarama.NewReferenceHashPartitioner)
	custom := sarama.NewCustomHashPartitioner(func() hash.Hash32 { return &murmur2Hash{} })
	tell("NewCustomHashPartitioner(murmur2)", custom)
	tell("NewMurmur2Partitioner", sarama.NewMurmur2Partitioner)
}
GO
printf 'module seen\n\ngo 1.25\n\nrequire github.com/IBM/sarama v1.61.1\n' >go.mod

timeout 300 go run -mod=mod . 2>build.log | tee seen.txt || { cat build.log; exit 1; }
diff seen.txt - <<'EXPECTED' || { echo 'the behaviour has changed'; exit 1; }
NewHashPartitioner: 853 as Java
NewReferenceHashPartitioner: 852 as Java
NewCustomHashPartitioner(murmur2): 5879 as Java
NewMurmur2Partitioner: 10000 as Java
EXPECTED
