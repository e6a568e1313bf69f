package bbolt

import (
	"encoding/binary"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/flowtrux/edge/runtime/journal"
)

// The buckets; see the package's description.
var (
	bucketMeta   = []byte("meta")
	bucketLive   = []byte("live")
	bucketRuns   = []byte("runs")
	bucketSteps  = []byte("steps")
	bucketKeys   = []byte("keys")
	bucketExpiry = []byte("expiry")
	bucketHeld   = []byte("held")
	bucketParts  = []byte("parts")
	bucketKept   = []byte("kept")
	bucketKeptBy = []byte("keptby")
	bucketLong   = []byte("long")

	bucketSource   = []byte("src")
	bucketDocument = []byte("doc")
	bucketRecord   = []byte("rec")

	keyFormat     = []byte("format")
	format        = []byte("flowtrux journal 1.1")
	earlierFormat = []byte("flowtrux journal 1")
)

// buckets are those of every journal, and laterBuckets those that files of an earlier version get
// when they are opened.
var (
	buckets      = [][]byte{bucketMeta, bucketLive, bucketRuns, bucketSteps, bucketKeys, bucketExpiry, bucketHeld, bucketParts}
	laterBuckets = [][]byte{bucketKept, bucketKeptBy, bucketLong}
)

// idBytes is the length of an execution's id.
const idBytes = len("exec-") + 26

// hourOf is the partition of an id: the hours since 1970.
func hourOf(id string) (uint32, error) {
	t, err := journal.IDTime(id)
	return hourAt(t), err
}

func hourAt(t time.Time) uint32 { return uint32(t.Unix() / 3600) }

func hourKey(hour uint32) []byte { return binary.BigEndian.AppendUint32(nil, hour) }

// transaction is a writing transaction whose buckets are looked up once. After a write that failed,
// err is set, the others do nothing, and nothing is committed.
type transaction struct {
	*bolt.Tx
	accounts                                          *accounts
	nextSeq                                           func() int64
	err                                               error
	live, runs, keys, expiry, held, keptBy, partition *bolt.Bucket
	steps, kept                                       values
	parts                                             map[uint32]*part
	added                                             int  // entries
	dirty                                             bool // upkeep has changed something
}

// part is the partition of an hour.
type part struct{ src, doc, rec values }

func (j *Journal) begin(tx *bolt.Tx, a *accounts) *transaction {
	t := &transaction{
		Tx: tx, accounts: a, nextSeq: j.nextSeq, parts: make(map[uint32]*part),
		live: tx.Bucket(bucketLive), runs: tx.Bucket(bucketRuns), steps: valuesIn(tx, bucketSteps), keys: tx.Bucket(bucketKeys),
		expiry: tx.Bucket(bucketExpiry), held: tx.Bucket(bucketHeld), partition: tx.Bucket(bucketParts),
		kept: valuesIn(tx, bucketKept), keptBy: tx.Bucket(bucketKeptBy),
	}
	// Keys grow, so that pages need no room for what comes between.
	for _, b := range []*bolt.Bucket{t.live, t.expiry, t.kept.short, t.kept.long} {
		if b != nil { // files of an earlier version get some of them only now
			b.FillPercent = 0.9
		}
	}
	return t
}

// part is the partition of an hour, which is made if there is none; nil after a write that failed.
func (t *transaction) part(hour uint32) *part {
	if p := t.parts[hour]; p != nil || t.err != nil {
		return p
	}
	b, err := t.partition.CreateBucketIfNotExists(hourKey(hour))
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
		inner.FillPercent = 0.9
	}
	t.parts[hour] = partOf(b)
	return t.parts[hour]
}

func partOf(b *bolt.Bucket) *part {
	long := b.Bucket(bucketLong)
	return &part{
		src: values{b.Bucket(bucketSource), long}, doc: values{b.Bucket(bucketDocument), long}, rec: values{b.Bucket(bucketRecord), long},
	}
}

// valuesIn are those of a bucket beside which long ones have a bucket for all.
func valuesIn(tx *bolt.Tx, bucket []byte) values {
	return values{tx.Bucket(bucket), tx.Bucket(bucketLong)}
}

// fail, put and del keep the first error in t.err. Callers have not looked at nil buckets: part is
// nil only with an error.
func (t *transaction) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

func (t *transaction) put(b *bolt.Bucket, key, value []byte) {
	if t.err == nil {
		t.err = b.Put(key, value)
	}
}

func (t *transaction) del(b *bolt.Bucket, key []byte) {
	if t.err == nil {
		t.err = b.Delete(key)
	}
}

// readPart is the partition of an hour for reading; nil when there is none.
func readPart(tx *bolt.Tx, hour uint32) *part {
	b := tx.Bucket(bucketParts).Bucket(hourKey(hour))
	if b == nil {
		return nil
	}
	return partOf(b)
}
