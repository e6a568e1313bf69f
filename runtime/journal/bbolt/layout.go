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

	bucketSource   = []byte("src")
	bucketDocument = []byte("doc")
	bucketRecord   = []byte("rec")

	keyFormat = []byte("format")
	format    = []byte("flowtrux journal 1")
)

var buckets = [][]byte{bucketMeta, bucketLive, bucketRuns, bucketSteps, bucketKeys, bucketExpiry, bucketHeld, bucketParts}

// hourOf is the partition of an id: the hours since 1970.
func hourOf(id string) (uint32, error) {
	t, err := journal.IDTime(id)
	return hourAt(t), err
}

func hourAt(t time.Time) uint32 { return uint32(t.Unix() / 3600) }

func hourKey(hour uint32) []byte { return binary.BigEndian.AppendUint32(nil, hour) }

// transaction is a writing transaction whose buckets are looked up once. After a write that failed, err is set, the
// others do nothing, and nothing is committed.
type transaction struct {
	*bolt.Tx
	err                                              error
	live, runs, steps, keys, expiry, held, partition *bolt.Bucket
	parts                                            map[uint32]*part
	added                                            int  // entries
	dirty                                            bool // upkeep has changed something
}

// part is the partition of an hour.
type part struct{ src, doc, rec *bolt.Bucket }

func begin(tx *bolt.Tx) *transaction {
	t := &transaction{
		Tx: tx, parts: make(map[uint32]*part),
		live: tx.Bucket(bucketLive), runs: tx.Bucket(bucketRuns), steps: tx.Bucket(bucketSteps), keys: tx.Bucket(bucketKeys),
		expiry: tx.Bucket(bucketExpiry), held: tx.Bucket(bucketHeld), partition: tx.Bucket(bucketParts),
	}
	for _, b := range []*bolt.Bucket{t.live, t.expiry} { // keys grow, so that pages need no room for what comes between
		b.FillPercent = 0.9
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
	p := new(part)
	for name, to := range map[string]**bolt.Bucket{
		string(bucketSource): &p.src, string(bucketDocument): &p.doc, string(bucketRecord): &p.rec,
	} {
		if *to, err = b.CreateBucketIfNotExists([]byte(name)); err != nil {
			t.err = err
			return nil
		}
		(*to).FillPercent = 0.9
	}
	t.parts[hour] = p
	return p
}

// put and del keep the first error in t.err. Callers have not looked at nil buckets: part is nil only with an error.
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
	return &part{src: b.Bucket(bucketSource), doc: b.Bucket(bucketDocument), rec: b.Bucket(bucketRecord)}
}
