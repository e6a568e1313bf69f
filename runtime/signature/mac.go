package signature

import (
	"crypto/hmac"
	"crypto/sha512"
	"hash"
	"sync"
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

// states holds the idle HMAC states of one key. Reusing a state saves the time and the garbage of
// creating one.
type states struct {
	idle  [materials]sync.Pool
	forms forms // of the key's secret
}

// state is an HMAC, keyed and reset, with a buffer for its result.
type state struct {
	hash hash.Hash
	buf  [sha512.Size]byte
	text []byte
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

// borrow returns an idle state of k for a material, or a new one.
func (k *Key) borrow(s *Scheme, of material) *state {
	if k.states != nil {
		if m, ok := k.states.idle[of].Get().(*state); ok {
			return m
		}
	}
	secret := k.Secret
	if of == decodedSHA256 {
		secret = k.forms().decoded
	}
	return &state{hash: hmac.New(s.hash, secret)}
}

// giveBack makes m idle again, which discards the result of its last sum.
func (k *Key) giveBack(m *state, of material) {
	if k.states != nil {
		m.hash.Reset()
		k.states.idle[of].Put(m)
	}
}

// sum computes the MAC of a claim's ID and time and a body, according to s. The result belongs to
// m.
func (m *state) sum(s *Scheme, c *claim, body []byte) []byte {
	for _, p := range s.payload {
		switch p.field {
		case fieldBody:
			m.hash.Write(body)
		case fieldTimestamp:
			m.write(c.timestamp)
		case fieldID:
			m.write(c.id)
		default:
			m.write(p.text)
		}
	}
	return m.hash.Sum(m.buf[:0])
}

func (m *state) write(text string) {
	m.text = append(m.text[:0], text...)
	m.hash.Write(m.text)
}
