package signature

import (
	"crypto/hmac"
	"crypto/sha512"
	"hash"
	"strings"
	"sync"
)

// material says what a key's secret becomes before it is hashed with: a state that was made for one material serves all
// schemes that have the same.
type material uint8

const (
	textSHA256 material = iota
	textSHA1
	textSHA512
	whsecSHA256 // the base64 behind "whsec_", if the secret is of that form
	materials
)

// states are the idle HMAC states of one key. Taking one saves the work and the garbage of keying a new one.
type states [materials]sync.Pool

// state is an HMAC that is keyed and reset, with the memory for a result.
type state struct {
	hash hash.Hash
	buf  [sha512.Size]byte
	text []byte
}

// borrow takes a state of k, made if there is no idle one.
func (k *Key) borrow(s *Scheme) *state {
	if k.states != nil {
		if m, ok := k.states[s.material].Get().(*state); ok {
			return m
		}
	}
	return &state{hash: hmac.New(s.hash, s.material.bytes(k.Secret))}
}

// giveBack makes m idle. The result of its last sum is gone with that.
func (k *Key) giveBack(s *Scheme, m *state) {
	if k.states != nil {
		m.hash.Reset()
		k.states[s.material].Put(m)
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

// bytes gives the HMAC key of a secret. What begins with whsec_ but is not base64 behind it is taken as text, so that
// this has no way to fail: the libraries of senders refuse such a secret anyway.
func (m material) bytes(secret []byte) []byte {
	if m != whsecSHA256 {
		return secret
	}
	text, ok := strings.CutPrefix(string(secret), "whsec_")
	if !ok {
		return secret
	}
	key, err := strictBase64.DecodeString(text)
	if err != nil || len(key) == 0 {
		return secret
	}
	return key
}
