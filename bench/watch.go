package main

import (
	"context"
	"time"

	"github.com/flowtrux/edge/bench/meter"
)

// watchEvery is short against a round and long against the time that a reading takes.
const watchEvery = 50 * time.Millisecond

// watchMemory reads the memory of the process until stop is called, which returns the reading with
// the most resident memory.
func (v *server) watchMemory(ctx context.Context) (stop func() (meter.Memory, error)) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	var most meter.Memory
	var err error
	go func() {
		defer close(done)
		for err == nil {
			var m meter.Memory
			if m, err = meter.ReadMemory(v.pid()); err == nil && m.Resident > most.Resident {
				most = m
			}
			if rest(ctx, watchEvery) != nil {
				return
			}
		}
	}()
	return func() (meter.Memory, error) {
		cancel()
		<-done
		return most, err
	}
}
