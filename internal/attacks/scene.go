package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/flowtrux/edge/internal/crash"
)

// mib is a mebibyte, in bytes.
const mib = 1 << 20

// scene holds the servers and the measurements of one attack.
type scene struct {
	caddy   string
	dir     string
	code    string // directory of compiled nodes, for all servers of all attacks
	servers []*server
	figures []figure
}

func newScene(dir, name, caddy string) (*scene, error) {
	s := &scene{caddy: caddy, dir: filepath.Join(dir, name), code: filepath.Join(dir, "wasm")}
	for _, d := range []string{s.dir, s.code} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return s, err
		}
	}
	return s, nil
}

// seconds adds a duration and its bound.
func (s *scene) seconds(what string, took, most time.Duration) {
	s.figures = append(s.figures, figure{
		what, fmt.Sprintf("%.2f s", took.Seconds()), fmt.Sprintf("at most %.1f s", most.Seconds()), took <= most,
	})
}

// atMost adds a number and its bound.
func (s *scene) atMost(what string, n, most float64, unit string) {
	s.figures = append(s.figures, figure{what, fmt.Sprintf("%.4g%s", n, unit), fmt.Sprintf("at most %.4g%s", most, unit), n <= most})
}

// share adds the number of requests that succeeded. At least 99 of 100 must.
func (s *scene) share(what string, right, of int) {
	s.figures = append(s.figures, figure{what, fmt.Sprintf("%d of %d", right, of), "at least 99 %", right*100 >= of*99 && of > 0})
}

// is adds a value that is either right or wrong.
func (s *scene) is(what, value, wanted string, right bool) {
	s.figures = append(s.figures, figure{what, value, wanted, right})
}

func (s *scene) end() {
	for _, v := range s.servers {
		v.Kill()
	}
}

// file writes a file into the scene's directory.
func (s *scene) file(name string, content []byte) (string, error) {
	file := filepath.Join(s.dir, name)
	return file, os.WriteFile(file, content, 0o600)
}

// server is a server under attack.
type server struct {
	*crash.Server
	socket string // of the embedded etcd
	client *http.Client
}

// serve starts a server with these options.
func (s *scene) serve(ctx context.Context, c crash.Config) (*server, error) {
	v := &server{client: from("")}
	var err error
	if c.Dir, err = os.MkdirTemp(s.dir, "server-"); err != nil {
		return nil, err
	}
	v.socket = filepath.Join(c.Dir, "etcd.sock")
	c.Command, c.Code, c.Logs = []string{s.caddy}, s.code, c.Dir
	c.Store += "\nlisten unix/" + v.socket
	if v.Server, err = crash.New(c); err != nil {
		return nil, err
	}
	s.servers = append(s.servers, v)
	return v, v.Start(ctx)
}

// put stores workflows and waits until they serve.
func (v *server) put(ctx context.Context, documents map[string]string) error {
	for id, document := range documents {
		if err := v.Put(ctx, id, document); err != nil {
			return err
		}
	}
	for id := range documents {
		if err := v.until(ctx, id, time.Minute, func(status int) bool { return status != http.StatusServiceUnavailable && status != http.StatusNotFound }); err != nil {
			return err
		}
	}
	return nil
}

// store writes to the store directly, bypassing the admin API, as an etcd client would.
func (v *server) store(ctx context.Context, key, value string) error {
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{"unix://" + v.socket}, Logger: zap.NewNop()})
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Put(ctx, "/flowtrux/"+key, value)
	return err
}

// from returns a client that connects from address and opens a new connection for each request.
func from(address string) *http.Client {
	d := &net.Dialer{}
	if address != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(address)}
	}
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true, DialContext: d.DialContext}}
}

// answer is the response that a sender got. Its status is 0 if there was none.
type answer struct {
	status int
	header http.Header
	body   string
	took   time.Duration
}

// request is a webhook.
type request struct {
	id     string
	body   string
	secret string // "" = crash.Secret
	key    string // idempotency key, "" = none
	client *http.Client
}

func (v *server) send(ctx context.Context, q request) answer {
	r := crash.Request{Workflow: q.id, Body: q.body, Secret: q.secret, Client: cmp.Or(q.client, v.client)}
	if q.key != "" {
		r.Header = map[string]string{keyHeader: q.key}
	}
	began := time.Now()
	resp, err := v.Send(ctx, r)
	if err != nil {
		return answer{took: time.Since(began)}
	}
	return answer{resp.Status, resp.Header, resp.Body, time.Since(began)}
}

// until sends webhooks to a workflow until good accepts the status.
func (v *server) until(ctx context.Context, id string, patience time.Duration, good func(status int) bool) error {
	return v.wait(ctx, patience, "workflow "+id, func() bool { return good(v.send(ctx, request{id: id, body: "{}"}).status) })
}

// wait polls f until it returns true, at most for patience.
func (v *server) wait(ctx context.Context, patience time.Duration, what string, f func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return v.WithLog(fmt.Errorf("waiting %s for %s: %w", patience, what, context.Cause(ctx)))
		}
	}
	return nil
}

// beside sends q at regular intervals while f runs. It counts the requests, and those that got
// status 200 within a second.
func (v *server) beside(ctx context.Context, q request, every time.Duration, f func()) (right, of int) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f()
	}()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		a := v.send(ctx, q)
		if of++; a.status == http.StatusOK && a.took <= time.Second {
			right++
		}
		select {
		case <-ended:
			return right, of
		case <-tick.C:
		}
	}
}

// execution is an execution as the admin API shows it.
type execution struct {
	ID, Status string
}

func (v *server) execution(ctx context.Context, id string) (execution, error) {
	var e execution
	err := v.AdminRequest(ctx, http.MethodGet, "executions/"+id, nil, &e)
	return e, err
}

func (a answer) execution() string {
	var b struct {
		ExecutionID string `json:"executionId"`
	}
	_ = json.Unmarshal([]byte(a.body), &b) // an invalid body has no ID
	return b.ExecutionID
}

// read sends a request and returns the response body.
func read(r *http.Request) (string, error) {
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

// keys returns the sorted keys of a map.
func keys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
