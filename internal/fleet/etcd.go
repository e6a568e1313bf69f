//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/flowtrux/edge/internal/crash"
	"github.com/flowtrux/edge/internal/testports"
)

// member is one of the servers of an etcd cluster.
type member struct {
	name    string
	client  string // URL
	peer    string // URL
	dir     string
	cluster string         // the names and peers of all members
	process *crash.Process // nil = it was never started
}

// newMembers chooses the addresses of a cluster. It starts nothing.
func newMembers(n int, dir string) ([]*member, error) {
	var members []*member
	var all []string
	for i := range n {
		m := &member{name: fmt.Sprintf("etcd-%d", i+1)}
		m.dir = filepath.Join(dir, m.name)
		for _, url := range []*string{&m.client, &m.peer} {
			address, err := testports.Reserve()
			if err != nil {
				return nil, err
			}
			*url = "http://" + address.String()
		}
		members, all = append(members, m), append(all, m.name+"="+m.peer)
	}
	for _, m := range members {
		m.cluster = strings.Join(all, ",")
	}
	return members, nil
}

// start starts the process, with the data that it had before.
func (m *member) start() (err error) {
	cmd := exec.Command("etcd", "--name", m.name, "--data-dir", m.dir, "--log-level", "error",
		"--listen-client-urls", m.client, "--advertise-client-urls", m.client,
		"--listen-peer-urls", m.peer, "--initial-advertise-peer-urls", m.peer, "--initial-cluster", m.cluster)
	cmd.Env = append(os.Environ(), "ETCD_UNSUPPORTED_ARCH=arm64") // 3.4 requires this on arm64
	m.process, err = crash.StartProcess(cmd, m.dir+".log")
	if err != nil {
		return fmt.Errorf("starting %s: %w", m.name, err)
	}
	return nil
}

// await waits until the member sees a leader.
func (m *member) await(ctx context.Context) error {
	return poll(ctx, func() error {
		select {
		case <-m.process.Ended():
			return fatal{m.process.WithLog(fmt.Errorf("%s has ended: %s", m.name, m.process.State()))}
		default:
		}
		return get(ctx, m.client+"/health")
	})
}

func (m *member) end(how syscall.Signal) {
	if m.process != nil {
		m.process.End(how)
	}
}

// patience is the time limit of waits. Only a failure or a very busy machine reaches it.
const patience = 5 * time.Minute

// fatal is an error after which poll does not try again.
type fatal struct{ error }

// poll calls done until it succeeds, at most for patience.
func poll(ctx context.Context, done func() error) error {
	late := time.Now().Add(patience)
	for {
		err := done()
		if err == nil {
			return nil
		}
		if errors.As(err, new(fatal)) {
			return err
		}
		if time.Now().After(late) {
			return fmt.Errorf("after %s: %w", patience, err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// get requests a URL, whose response has to be a 200.
func get(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := fresh.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: HTTP %d", url, resp.StatusCode)
	}
	return nil
}

// fresh opens a connection for each request, so that none is reused to a process that was killed.
var fresh = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
