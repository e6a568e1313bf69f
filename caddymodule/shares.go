package caddymodule

import (
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
)

// The errors of shares.take.
var (
	errAllTaken   = errors.New("all of it is in use")
	errShareTaken = errors.New("this client address has its share, and more than half is in use")
)

// peer is a client address as shares count it: for IPv6 its /64, since a host has a whole one. It
// is all zeros for clients without an address, as on a Unix socket.
type peer [16]byte

// peerOf returns the peer of a client address.
func peerOf(client string) peer {
	addr, err := netip.ParseAddr(client)
	if err != nil {
		return peer{}
	}
	p := peer(addr.As16()) // an IPv4 address is the same in both forms
	if addr.Is6() && !addr.Is4In6() {
		clear(p[8:])
	}
	return p
}

// shares is an amount that all clients share, such as memory. While more than half of it is in use,
// no client gets more than its share. It is safe for concurrent use, and remembers only clients
// that use some of it.
type shares struct {
	limit int64 // of all clients together
	share int64 // of one client, while more than half of limit is in use

	used   atomic.Int64
	shards [32]shard // by peer, so that requests seldom wait for each other's lock
}

type shard struct {
	mu   sync.Mutex
	held map[peer]int64
}

// take takes n for p. The error says why it took nothing.
func (s *shares) take(p peer, n int64) error {
	used := s.used.Add(n)
	if used > s.limit {
		s.used.Add(-n)
		return errAllTaken
	}
	of := s.of(p)
	of.mu.Lock()
	defer of.mu.Unlock()
	held := of.held[p] + n
	if held > s.share && used > s.limit/2 {
		s.used.Add(-n)
		return errShareTaken
	}
	if of.held == nil {
		of.held = make(map[peer]int64)
	}
	of.held[p] = held
	return nil
}

// give gives back n of what p has taken.
func (s *shares) give(p peer, n int64) {
	s.used.Add(-n)
	of := s.of(p)
	of.mu.Lock()
	defer of.mu.Unlock()
	if held := of.held[p] - n; held > 0 {
		of.held[p] = held
	} else {
		delete(of.held, p)
	}
}

// of returns the shard of p, by the last bytes of an IPv4 address and of an IPv6 network.
func (s *shares) of(p peer) *shard {
	return &s.shards[(p[15]^p[14]^p[7]^p[6])%byte(len(s.shards))]
}
