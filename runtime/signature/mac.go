package signature

import (
	"crypto/hmac"
	"crypto/sha512"
	"hash"
	"sync"
)

// material says what a key's secret becomes before it is hashed with: a state that was made for one
// material serves all schemes that have the same.
type material uint8

const (
	textSHA256 material = iota
	textSHA1
	textSHA512
	decodedSHA256 // what the base64 of a secret of Standard Webhooks stands for
	materials
)

// states are the idle HMAC states of one key. Taking one saves the work and the garbage of keying a
// new one.
type states struct {
	idle  [materials]sync.Pool
	forms forms // of the key's secret
}

// state is an HMAC that is keyed and reset, with the memory for a result.
type state struct {
	hash hash.Hash
	buf  [sha512.Size]byte
	text []byte
}

// forms are those of k's secret.
func (k *Key) forms() forms {
	if k.states != nil {
		return k.states.forms
	}
	return formsOf(k.Secret)
}

// of gives what s makes of k's secret: one or two materials, the one that senders use first.
func (s *Scheme) of(k *Key) []material {
	if s.decodes {
		return k.forms().materials
	}
	return s.materials
}

// borrow takes a state of k for one of its materials, made if there is no idle one.
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

// giveBack makes m idle. The result of its last sum is gone with that.
func (k *Key) giveBack(m *state, of material) {
	if k.states != nil {
		m.hash.Reset()
		k.states.idle[of].Put(m)
	}
}

// sum computes the MAC that s has for a claim's id and time and a body. The result is m's.
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
