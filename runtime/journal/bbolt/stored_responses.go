package bbolt

import (
	"bytes"
	"encoding/binary"

	bolt "go.etcd.io/bbolt"

	"github.com/flowtrux/edge/runtime/journal"
)

// kept is what is kept of a response for duplicates.
type kept struct {
	hash     []byte // of its key
	workflow string
	response []byte
	inline   int // bytes that stand in the key itself, as an earlier version put them; 0 = none
}

func (k kept) bytes() []byte {
	b := make([]byte, 0, len(k.hash)+len(k.workflow)+len(k.response)+16)
	b = appendText(appendText(b, k.hash), k.workflow)
	b = binary.AppendUvarint(b, uint64(k.inline))
	return append(b, k.response...)
}

// readKept is the reverse of kept.bytes. Its bytes are parts of b.
func readKept(b []byte) (k kept, err error) {
	r := reader{rest: b}
	k.hash, k.workflow, k.inline = r.bytes(), r.text(), r.count()
	k.response = r.rest
	return k, r.err
}

// readKeptHead reads all but the response of what stands for v, and tells how many bytes it takes.
func readKeptHead(in values, v []byte) (k kept, takes int64, err error) {
	head, err := in.head(v)
	if err != nil {
		return k, 0, err
	}
	k, err = readKept(head)
	k.response = nil
	return k, space(lengthOf(v)) + space(k.inline) + keptSpace, err
}

// keptSpace is what a kept response takes beside itself.
const keptSpace = 128

func keptKey(seq int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(seq)) }

// inlineKey is that of a response in the key itself, by where the key stands in the order of
// expiry. It is before all others: such responses are older.
func inlineKey(expiry []byte) []byte { return append([]byte{0}, expiry...) }

// keptByKey orders kept responses by workflow. A workflow's id has no zero byte.
func keptByKey(workflow string, seq int64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte(workflow), 0), uint64(seq))
}

// keep keeps the response of a key, for which older ones make way: of the same workflow when it is
// at its share, then of all. It returns what the key refers to it by, 0 when there is no room even
// so.
func (j *Journal) keep(t *transaction, workflow string, hash, response []byte) (seq int64) {
	if len(response) == 0 {
		return 0
	}
	value := kept{hash: hash, workflow: workflow, response: response}.bytes()
	takes := space(len(value)) + space(0) + keptSpace
	q := quotaOf(j.limits.Load())
	most := journal.Share(q.kept)
	if takes > most || j.used.Load()+takes > q.hard {
		return 0
	}
	prefix := append([]byte(workflow), 0)
	for t.accounts.of(workflow).responses+takes > most && t.err == nil {
		first, _ := t.keptBy.Cursor().Seek(prefix)
		if !bytes.HasPrefix(first, prefix) {
			break
		}
		t.evictKept(bytes.Clone(first[len(prefix):]))
	}
	t.trimKept(q.kept - takes)
	if t.accounts.responses+takes > q.kept {
		return 0
	}
	seq = j.nextSeq()
	t.kept.put(t, keptKey(seq), value)
	t.put(t.keptBy, keptByKey(workflow, seq), nil)
	t.accounts.change(workflow, account{responses: takes})
	return seq
}

// trimKept drops the oldest kept responses of all workflows until they take so many bytes at most,
// in parts of evictMost. It tells whether it has dropped any.
func (t *transaction) trimKept(most int64) (dropped bool) {
	for n := 0; n < evictMost && t.accounts.responses > most && t.err == nil; n++ {
		first, _ := t.kept.short.Cursor().First()
		if first == nil {
			break
		}
		t.evictKept(bytes.Clone(first))
		dropped = true
	}
	return dropped
}

// evictKept drops a kept response. Its key stays.
func (t *transaction) evictKept(seq []byte) {
	k, _, err := readKeptHead(t.kept, t.kept.short.Get(seq))
	if err != nil {
		t.fail(err)
		return
	}
	hash := bytes.Clone(k.hash)
	v := t.keys.Get(hash)
	key, err := readReserved(bytes.Clone(v))
	if err != nil {
		t.fail(err)
		return
	}
	key.kept, key.response = 0, nil
	t.put(t.keys, hash, key.bytes())
	t.dropKept(seq)
}

// dropKept forgets a kept response, if it is there.
func (t *transaction) dropKept(seq []byte) {
	v := t.kept.short.Get(seq)
	if v == nil {
		return
	}
	k, takes, err := readKeptHead(t.kept, v)
	if err != nil {
		t.fail(err)
		return
	}
	t.accounts.change(k.workflow, account{responses: -takes})
	if k.inline == 0 {
		t.del(t.keptBy, keptByKey(k.workflow, int64(binary.BigEndian.Uint64(seq))))
	}
	t.kept.del(t, seq)
}

// responseIn is what is kept for the duplicates of a key that was settled: not nil, and empty when
// nothing is.
func (k reserved) responseIn(tx *bolt.Tx) ([]byte, error) {
	if len(k.response) > 0 || k.kept == 0 {
		return append([]byte{}, k.response...), nil
	}
	all := valuesIn(tx, bucketKept)
	v, err := all.whole(all.short.Get(keptKey(k.kept)))
	if err != nil {
		return nil, err
	}
	found, err := readKept(v)
	return append([]byte{}, found.response...), err
}
