package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// sender is the event loop of an openLoad. One thread sends each request on time and reads all
// responses: it takes less of the machine that it shares with the server than a goroutine for each
// connection. Timers of Go's runtime would be late by up to a millisecond, a timerfd is not.
type sender struct {
	openLoad
	text  []byte // of each request
	start time.Time
	epoll int
	timer int

	connections []openConnection
	free        []int         // connections without a request, the last one used at the end
	freeSince   time.Duration // when free was last empty
	next        int           // number of requests sent
	done        int           // number of responses
	result      openResult
}

// openConnection is a connection with at most one request in progress.
type openConnection struct {
	fd    int
	index int // of the request
	response
}

// run sends all requests and returns when it has all responses.
func (l openLoad) run(ctx context.Context) (r openResult, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		// The thread ends with the goroutine, because it is not unlocked.
		runtime.LockOSThread()
		// Senders are on other machines: this one goes before the server, where it is allowed to.
		_ = unix.Setpriority(unix.PRIO_PROCESS, 0, -10)
		r, err = l.runHere(ctx)
	}()
	<-done
	return r, err
}

// runHere does the work of run on the thread of the caller.
func (l openLoad) runHere(ctx context.Context) (openResult, error) {
	s := &sender{openLoad: l, text: rawRequest(l.address.String(), l.request), epoll: -1, timer: -1}
	s.result.took, s.result.late = make([]time.Duration, l.count()), make([]time.Duration, 0, l.count())
	defer s.close()
	if err := s.open(); err != nil {
		return openResult{}, fmt.Errorf("connecting to %s: %w", l.address, err)
	}
	err := s.loop(ctx)
	slices.Sort(s.result.late)
	return s.result, err
}

// open opens the connections, the timer and the epoll instance that waits for all of them.
func (s *sender) open() (err error) {
	if s.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	if s.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err != nil {
		return err
	}
	if err := s.watch(s.timer, -1, unix.EPOLLIN|unix.EPOLLET); err != nil {
		return err
	}
	to := &unix.SockaddrInet4{Port: int(s.address.Port()), Addr: s.address.Addr().As4()}
	for i := range openConnections {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		s.connections = append(s.connections, openConnection{fd: fd, response: newResponse()})
		s.free = append(s.free, i)
		for _, set := range []func() error{
			func() error { return unix.Connect(fd, to) },
			func() error { return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) },
			func() error { return unix.SetNonblock(fd, true) },
			func() error { return s.watch(fd, i, unix.EPOLLIN) },
		} {
			if err := set(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *sender) watch(fd, index int, events uint32) error {
	return unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(index)})
}

func (s *sender) close() {
	for _, c := range s.connections {
		_ = unix.Close(c.fd)
	}
	_ = unix.Close(s.timer)
	_ = unix.Close(s.epoll)
}

func (s *sender) loop(ctx context.Context) error {
	events := make([]unix.EpollEvent, openConnections+1)
	s.start = time.Now()
	for answered := time.Duration(0); s.done < len(s.result.took); {
		if err := s.send(); err != nil {
			return err
		}
		// Short waits notice the end of ctx.
		n, err := unix.EpollWait(s.epoll, events, 100)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		done := s.done
		for _, e := range events[:max(n, 0)] {
			if e.Fd >= 0 {
				if err := s.receive(int(e.Fd)); err != nil {
					return err
				}
			}
		}
		switch now := time.Since(s.start); {
		case s.done > done || s.next == s.done:
			answered = now
		case now-answered > openTimeout:
			return fmt.Errorf("no response within %s to %d requests", openTimeout, s.next-s.done)
		}
	}
	return nil
}

// send sends all requests that are due, as far as there are connections, and sets the timer for the
// next one.
func (s *sender) send() error {
	for s.next < len(s.result.took) && len(s.free) > 0 {
		due, now := s.due(s.next), time.Since(s.start)
		if due > now {
			return unix.TimerfdSettime(s.timer, 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(int64(due - now))}, nil)
		}
		c := &s.connections[s.free[len(s.free)-1]]
		s.free = s.free[:len(s.free)-1]
		if n, err := unix.Write(c.fd, s.text); err != nil || n < len(s.text) {
			return fmt.Errorf("sent %d of %d bytes of a request: %w", n, len(s.text), err)
		}
		s.result.late = append(s.result.late, now-max(due, s.freeSince))
		c.index = s.next
		s.next++
	}
	return nil
}

// receive reads what has arrived on a connection.
func (s *sender) receive(i int) error {
	c := &s.connections[i]
	n, err := unix.Read(c.fd, c.room())
	switch {
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR):
		return nil
	case err != nil:
		return err
	case n == 0:
		return errors.New("the server has closed a connection")
	}
	whole, err := c.add(n)
	if err != nil || !whole {
		return err
	}
	now := time.Since(s.start)
	if err := c.check(s.request); err != nil {
		return err
	}
	s.result.took[c.index] = now - s.due(c.index)
	if len(s.free) == 0 {
		s.freeSince = now
	}
	s.free = append(s.free, i)
	s.done++
	return nil
}
