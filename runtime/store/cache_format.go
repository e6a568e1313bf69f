package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// The format of a cache file, version 1: a line with the header as JSON, and then, to the end of
// the file, a cacheContent as JSON.
const (
	cacheFormat  = "flowtrux-store-cache"
	cacheVersion = 1
)

// cacheHeader is the first line of a cache file.
type cacheHeader struct {
	Format   string `json:"format"`
	Version  int    `json:"version"`
	Identity string `json:"identity"` // Engine.Identity of the store
	SHA256   string `json:"sha256"`   // of all bytes that follow the header's line, in hex
}

// cacheContent is the content of a cache file. Values are in base64, because they need not be text.
type cacheContent struct {
	Revision  int64       `json:"revision"`
	Entries   cacheValues `json:"entries"`
	LastValid cacheValues `json:"kept"`
}

// changed returns the entries whose keys have other values now. c may be nil.
func (c *cacheContent) changed(now map[string]Entry) []Entry {
	if c == nil {
		return nil
	}
	var list []Entry
	for _, e := range c.Entries {
		if n, ok := now[e.Key]; ok && !bytes.Equal(n.Value, e.Value) {
			list = append(list, e)
		}
	}
	return list
}

var (
	// errForeign means that a file is not a cache.
	errForeign = errors.New("it is not a cache of a store")
	// errCache means that a file is a cache that cannot be used.
	errCache = errors.New("it cannot be used")
)

func encodeCache(c *cacheContent, identity string) []byte { return seal(marshal(c), identity) }

// seal adds the header to a body.
func seal(body []byte, identity string) []byte {
	sum := sha256.Sum256(body)
	header := marshal(cacheHeader{cacheFormat, cacheVersion, identity, hex.EncodeToString(sum[:])})
	return append(append(header, '\n'), body...)
}

// marshal is for types that JSON can represent.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// decodeCache decodes the cache file of a store.
func decodeCache(file []byte, identity string) (*cacheContent, error) {
	line, body, _ := bytes.Cut(file, []byte("\n"))
	var header cacheHeader
	if err := json.Unmarshal(line, &header); err != nil || header.Format != cacheFormat {
		return nil, errForeign
	}
	if header.Version != cacheVersion {
		return nil, fmt.Errorf("%w: it has version %d, not %d", errCache, header.Version, cacheVersion)
	}
	if header.Identity != identity {
		return nil, fmt.Errorf("%w: it belongs to another store", errCache)
	}
	if sum := sha256.Sum256(body); header.SHA256 != hex.EncodeToString(sum[:]) {
		return nil, fmt.Errorf("%w: its checksum is wrong", errCache)
	}
	c := new(cacheContent)
	if err := json.Unmarshal(body, c); err != nil {
		return nil, fmt.Errorf("%w: %w", errCache, err)
	}
	if c.Revision < 1 {
		return nil, fmt.Errorf("%w: it has no revision", errCache)
	}
	return c, nil
}

// cacheValues is a list of entries in a cache file.
type cacheValues []Entry

// cacheEntry is an Entry in a cache file.
type cacheEntry struct {
	Key      string `json:"key"`
	Value    []byte `json:"value"`
	Revision int64  `json:"revision"`
}

// MarshalJSON implements json.Marshaler.
func (v cacheValues) MarshalJSON() ([]byte, error) {
	list := make([]cacheEntry, len(v))
	for i, e := range v {
		list[i] = cacheEntry(e)
	}
	return json.Marshal(list)
}

// UnmarshalJSON implements json.Unmarshaler. Keys must be present and sorted, so that there are no
// duplicates.
func (v *cacheValues) UnmarshalJSON(b []byte) error {
	var list []cacheEntry
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	*v = make(cacheValues, len(list))
	before := ""
	for i, e := range list {
		if e.Key <= before {
			return fmt.Errorf("key %q follows %q", e.Key, before)
		}
		before = e.Key
		(*v)[i] = Entry(e)
	}
	return nil
}
