package bbolt

import (
	"encoding/binary"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/flowtrux/edge/runtime/journal"
)

// The names of buckets; see the package's documentation. Some are older than the words used here.
var (
	bucketMeta        = []byte("meta")
	bucketLive        = []byte("live")
	bucketRuns        = []byte("runs")
	bucketSteps       = []byte("steps")
	bucketKeys        = []byte("keys")
	bucketExpiry      = []byte("expiry")
	bucketUnsettled   = []byte("held")
	bucketParts       = []byte("parts")
	bucketResponses   = []byte("kept")
	bucketResponsesBy = []byte("keptby")
	bucketLong        = []byte("long")
	bucketCounts      = []byte("counts")
	bucketMoves       = []byte("moves")

	bucketSource   = []byte("src")
	bucketDocument = []byte("doc")
	bucketRecord   = []byte("rec")

	keyFormat     = []byte("format")
	format        = []byte("flowtrux journal 1.1")
	earlierFormat = []byte("flowtrux journal 1")
	sealedFormat  = []byte("flowtrux journal 1.1 sealed")
	keySeal       = []byte("seal")
)

// buckets are those of every journal. laterBuckets are added to files of an earlier version when
// they are opened.
var (
	buckets = [][]byte{
		bucketMeta, bucketLive, bucketRuns, bucketSteps, bucketKeys, bucketExpiry, bucketUnsettled, bucketParts,
	}
	laterBuckets = [][]byte{bucketResponses, bucketResponsesBy, bucketLong, bucketCounts, bucketMoves}
)

// idBytes is the length of an execution's id.
const idBytes = len("exec-") + 26

// hourOf returns the partition of an id: the hours since 1970.
func hourOf(id string) (uint32, error) {
	t, err := journal.IDTime(id)
	return hourAt(t), err
}

func hourAt(t time.Time) uint32 { return uint32(t.Unix() / 3600) }

func hourKey(hour uint32) []byte { return binary.BigEndian.AppendUint32(nil, hour) }

// part is the partition of an hour.
type part struct{ sources, documents, records values }

// part returns the partition of an hour, which is made if there is none; nil after a write that
// failed.
func (t *transaction) part(hour uint32) *part {
	if p := t.parts[hour]; p != nil || t.err != nil {
		return p
	}
	b, err := t.partBuckets.CreateBucketIfNotExists(hourKey(hour))
	if err != nil {
		t.err = err
		return nil
	}
	for _, name := range [][]byte{bucketSource, bucketDocument, bucketRecord, bucketLong} {
		inner, err := b.CreateBucketIfNotExists(name)
		if err != nil {
			t.err = err
			return nil
		}
		inner.FillPercent = fillGrowing
	}
	t.parts[hour] = partOf(b)
	return t.parts[hour]
}

func partOf(b *bolt.Bucket) *part {
	all := &struct{ sources, documents, records, long lookup }{
		sources:   lookup{in: b, name: bucketSource},
		documents: lookup{in: b, name: bucketDocument},
		records:   lookup{in: b, name: bucketRecord},
		long:      lookup{in: b, name: bucketLong},
	}
	return &part{
		sources:   values{&all.sources, &all.long},
		documents: values{&all.documents, &all.long},
		records:   values{&all.records, &all.long},
	}
}

// readPart returns the partition of an hour for reading; nil if there is none.
func readPart(tx *bolt.Tx, hour uint32) *part {
	b := tx.Bucket(bucketParts).Bucket(hourKey(hour))
	if b == nil {
		return nil
	}
	return partOf(b)
}

// valuesIn returns the values of a bucket whose long values are in the bucket that all share.
func valuesIn(tx *bolt.Tx, bucket []byte) values {
	return values{&lookup{in: tx, name: bucket}, &lookup{in: tx, name: bucketLong}}
}
