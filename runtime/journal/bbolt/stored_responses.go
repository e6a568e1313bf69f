package bbolt

import (
	"bytes"
	"encoding/binary"

	bolt "go.etcd.io/bbolt"

	"github.com/flowtrux/edge/runtime/journal"
)

// storedResponse is a response that duplicates of a request get.
type storedResponse struct {
	keyHash  []byte
	workflow string
	response []byte
	inline   int // bytes that are in the key itself, where an earlier version put them; 0 = none
}

func (s storedResponse) bytes() []byte {
	b := make([]byte, 0, len(s.keyHash)+len(s.workflow)+len(s.response)+16)
	b = appendText(appendText(b, s.keyHash), s.workflow)
	b = binary.AppendUvarint(b, uint64(s.inline))
	return append(b, s.response...)
}

// readStoredResponse is the reverse of storedResponse.bytes. Its slices are parts of b.
func readStoredResponse(b []byte) (s storedResponse, err error) {
	r := reader{rest: b}
	s.keyHash, s.workflow, s.inline = r.bytes(), r.text(), r.count()
	s.response = r.rest
	return s, r.err
}

// readResponseHead reads the value that v stands for, except the response, and returns how many
// bytes it takes in the file.
func readResponseHead(in values, v []byte) (s storedResponse, takes int64, err error) {
	head, err := in.head(v)
	if err != nil {
		return s, 0, err
	}
	s, err = readStoredResponse(head)
	s.response = nil
	return s, space(lengthOf(v)) + space(s.inline) + responseSpace, err
}

// responseSpace is what a stored response takes in addition to its own bytes.
const responseSpace = 128

func responseKey(seq int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(seq)) }

// inlineResponseKey is the key of a response that is in its idempotency key, by that key's place in
// the order of expiry. It sorts before all others: such responses are older.
func inlineResponseKey(expiry []byte) []byte { return append([]byte{0}, expiry...) }

// workflowResponseKey orders stored responses by workflow. A workflow's id has no zero byte.
func workflowResponseKey(workflow string, seq int64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte(workflow), 0), uint64(seq))
}

// storeResponse stores the response of a key. Older ones are evicted for it: those of the same
// workflow if it is at its share, then those of all. It returns the response's number; 0 if there
// is still no room.
func (j *Journal) storeResponse(t *transaction, workflow string, keyHash, response []byte) (seq int64) {
	if len(response) == 0 {
		return 0
	}
	value := storedResponse{keyHash: keyHash, workflow: workflow, response: response}.bytes()
	takes := space(len(value)) + space(0) + responseSpace
	q := quotaOf(j.limits.Load())
	share := journal.Share(q.responses)
	if takes > share || j.used.Load()+takes > q.steps {
		return 0
	}
	prefix := append([]byte(workflow), 0)
	for t.usage.of(workflow).responses+takes > share && t.err == nil {
		first, _ := t.responsesBy.open().Cursor().Seek(prefix)
		if !bytes.HasPrefix(first, prefix) {
			break
		}
		t.evictResponse(bytes.Clone(first[len(prefix):]))
	}
	t.evictResponses(q.responses - takes)
	if t.usage.responses+takes > q.responses {
		return 0
	}
	seq = j.nextSeq()
	t.responses.put(t, responseKey(seq), value)
	t.put(t.responsesBy, workflowResponseKey(workflow, seq), nil)
	t.usage.add(workflow, workflowUsage{responses: takes})
	return seq
}

// evictResponses evicts the oldest stored responses of all workflows until they take at most so
// many bytes, or maxEvictions are evicted. It reports whether it has evicted any.
func (t *transaction) evictResponses(most int64) (evicted bool) {
	for n := 0; n < maxEvictions && t.usage.responses > most && t.err == nil; n++ {
		first, _ := t.responses.short.open().Cursor().First()
		if first == nil {
			break
		}
		t.evictResponse(bytes.Clone(first))
		evicted = true
	}
	return evicted
}

// evictResponse deletes a stored response. Its idempotency key stays.
func (t *transaction) evictResponse(seq []byte) {
	s, _, err := readResponseHead(t.responses, t.responses.short.Get(seq))
	if err != nil {
		t.fail(err)
		return
	}
	hash := bytes.Clone(s.keyHash)
	v := t.keys.Get(hash)
	key, err := readStoredKey(bytes.Clone(v))
	if err != nil {
		t.fail(err)
		return
	}
	key.responseSeq, key.inline = 0, nil
	t.put(t.keys, hash, key.bytes())
	t.dropResponse(seq)
}

// dropResponse deletes a stored response, if there is one.
func (t *transaction) dropResponse(seq []byte) {
	v := t.responses.short.Get(seq)
	if v == nil {
		return
	}
	s, takes, err := readResponseHead(t.responses, v)
	if err != nil {
		t.fail(err)
		return
	}
	t.usage.add(s.workflow, workflowUsage{responses: -takes})
	if s.inline == 0 {
		t.del(t.responsesBy, workflowResponseKey(s.workflow, int64(binary.BigEndian.Uint64(seq))))
	}
	t.responses.del(t, seq)
}

// response returns the stored response of a key that was settled. It is not nil, and empty if none
// is stored any more.
func (k storedKey) response(tx *bolt.Tx) ([]byte, error) {
	if len(k.inline) > 0 || k.responseSeq == 0 {
		return append([]byte{}, k.inline...), nil
	}
	all := valuesIn(tx, bucketResponses)
	v, err := all.whole(all.short.Get(responseKey(k.responseSeq)))
	if err != nil {
		return nil, err
	}
	s, err := readStoredResponse(v)
	return append([]byte{}, s.response...), err
}
