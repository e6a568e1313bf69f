package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/flowtrux/edge/internal/crash"
)

// silentBodies opens connections that announce a body and send none of it.
func silentBodies(ctx context.Context, s *scene) error {
	for _, c := range []struct{ name, handler, id string }{
		{"known id", "", "other"},
		{"ids hidden", "unknown_workflow 401", "nobody-knows"},
	} {
		v, err := s.serve(ctx, crash.Config{Handler: c.handler})
		if err != nil {
			return err
		}
		if err := v.put(ctx, map[string]string{"other": one(nil)}); err != nil {
			return err
		}
		before := taken(v.PID())
		for _, address := range []string{"127.0.0.77", "127.0.0.1"} {
			right, of, err := v.besideSilent(ctx, address, c.id)
			if err != nil {
				return err
			}
			whose := "another address"
			if address == "127.0.0.1" {
				whose = "the sender's own address"
			}
			s.share(fmt.Sprintf("290 silent connections from %s, %s: a response within 1 s", whose, c.name), right, of)
		}
		s.atMost("memory used by them, "+c.name, float64(taken(v.PID())-before), 100, " MiB")
		v.Kill()
	}
	return nil
}

// besideSilent sends honest requests from 127.0.0.1 while 290 connections from address stay silent.
func (v *server) besideSilent(ctx context.Context, address, id string) (right, of int, err error) {
	head := fmt.Sprintf("POST /api/webhooks/%s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n", id, v.Site(), mib)
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	for range 290 {
		c, err := d.DialContext(ctx, "tcp", v.Site())
		if err != nil {
			return 0, 0, err
		}
		defer c.Close()
		if _, err := c.Write([]byte(head)); err != nil {
			return 0, 0, err
		}
	}
	right, of = v.beside(ctx, request{id: "other", body: "{}", client: from("127.0.0.1")}, 30*time.Millisecond, func() {
		time.Sleep(4 * time.Second) // well below body_timeout, so all stay open
	})
	return right, of, nil
}
