package signature

import (
	"bytes"
	// #nosec G505 -- HMAC-SHA1 is sound, and some senders with a custom scheme support nothing else
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding"
	"hash"
	"sync"
	"sync/atomic"
)

// material is the form in which a secret is the key of the hash. A state created for one material
// serves all schemes with the same material.
type material uint8

const (
	textSHA256 material = iota
	textSHA1
	textSHA512
	decodedSHA256 // the decoded base64 of a secret of Standard Webhooks
	materials
)

// states holds what is derived from the secret of one key. Nearly all keys serve one scheme, so the
// HMAC for the first material is part of it: with thousands of workflows, each object of a key
// costs the collector and the next request of its workflow.
type states struct {
	keyed [materials]atomic.Pointer[keyed] // set on first use
	forms forms
	taken atomic.Bool // first is, or is about to be, the HMAC for some material
	first keyed
}

// keyed is an HMAC (RFC 2104) that has read its key: the saved states of its two hashes, each after
// one block. Restoring them saves hashing the key again, as crypto/hmac does for its Reset. But
// they are a few hundred bytes that hold no other memory, so each of many thousands of keys can
// have its own, while the hashes themselves are shared by all keys.
type keyed struct {
	inner, outer []byte        // parts of room, unless they are longer
	room         [2 * 108]byte // for two states of SHA-256 or SHA-1
}

// The bytes with which HMAC fills up and masks its key.
const (
	innerPad = 0x36
	outerPad = 0x5c
)

// set makes k the HMAC of a with a secret.
func (k *keyed) set(a *algorithm, secret []byte) {
	h := a.newHash()
	if len(secret) > h.BlockSize() {
		h.Write(secret)
		secret = h.Sum(nil)
	}
	both := k.room[:0]
	after := func(pad byte) {
		block := bytes.Repeat([]byte{pad}, h.BlockSize())
		for i, b := range secret {
			block[i] ^= b
		}
		h.Reset()
		h.Write(block)
		saved, err := h.(encoding.BinaryMarshaler).MarshalBinary()
		if err != nil {
			panic(err) // hashes of the standard library have no reason for one
		}
		both = append(both, saved...)
	}
	after(innerPad)
	inner := len(both)
	after(outerPad)
	k.inner, k.outer = both[:inner], both[inner:]
}

// keyed returns k's HMAC for a material.
func (k *Key) keyed(s *Scheme, of material) *keyed {
	if k.states != nil {
		if known := k.states.keyed[of].Load(); known != nil {
			return known
		}
	}
	secret := k.Secret
	if of == decodedSHA256 {
		secret = k.forms().decoded
	}
	var made *keyed
	if k.states != nil && k.states.taken.CompareAndSwap(false, true) {
		made = &k.states.first
	} else {
		made = new(keyed)
	}
	made.set(s.algorithm, secret)
	if k.states != nil {
		k.states.keyed[of].Store(made)
	}
	return made
}

// algorithm is a hash of HMACs.
type algorithm struct {
	newHash func() hash.Hash
	size    int       // of a MAC, in bytes
	idle    sync.Pool // of states that nobody uses
}

// The algorithms. All schemes share them, and the idle states in them.
var (
	hmacSHA1   = &algorithm{newHash: sha1.New, size: sha1.Size}
	hmacSHA256 = &algorithm{newHash: sha256.New, size: sha256.Size}
	hmacSHA512 = &algorithm{newHash: sha512.New, size: sha512.Size}
)

// state computes HMACs, with buffers for what it hashes and for its result.
type state struct {
	inner, outer hash.Hash
	buf          [sha512.Size]byte
	text         []byte
}

// forms returns the forms of k's secret.
func (k *Key) forms() forms {
	if k.states != nil {
		return k.states.forms
	}
	return formsOf(k.Secret)
}

// of returns the materials of k's secret in s: one or two, first the one that senders use.
func (s *Scheme) of(k *Key) []material {
	if s.decodes {
		return k.forms().materials
	}
	return s.materials
}

// borrow returns an idle state, or a new one.
func (a *algorithm) borrow() *state {
	if m, ok := a.idle.Get().(*state); ok {
		return m
	}
	return &state{inner: a.newHash(), outer: a.newHash()}
}

// giveBack makes m idle again, which discards the result of its last sum.
func (a *algorithm) giveBack(m *state) { a.idle.Put(m) }

// sum computes the MAC of a claim's ID and time and a body, according to s. The result belongs to
// m.
func (m *state) sum(s *Scheme, k *keyed, c *claim, body []byte) []byte {
	restore(m.inner, k.inner)
	for _, p := range s.payload {
		switch p.field {
		case fieldBody:
			m.inner.Write(body)
		case fieldTimestamp:
			m.write(c.timestamp)
		case fieldID:
			m.write(c.id)
		default:
			m.write(p.text)
		}
	}
	restore(m.outer, k.outer)
	m.outer.Write(m.inner.Sum(m.buf[:0]))
	return m.outer.Sum(m.buf[:0])
}

// restore puts a hash into a saved state.
func restore(h hash.Hash, saved []byte) {
	if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(saved); err != nil {
		panic(err) // it was saved by the same kind of hash
	}
}

func (m *state) write(text string) {
	m.text = append(m.text[:0], text...)
	m.inner.Write(m.text)
}
