package caddymodule

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// order is a body of about 1 KiB, like those of shops: a workflow reads some members and ignores
// most.
var order = `{"event":"order_created","order_id":"A-10293","total":250.50,"currency":"EUR",` +
	`"customer":{"id":88123,"name":"Ada Lovelace","email":"ada@example.com","address":{"street":"12 St James's Square","city":"London","zip":"SW1Y 4JH"}},` +
	`"items":[` + strings.Repeat(`{"sku":"KB-104","name":"Keyboard, mechanical","count":1,"price":89.90},`, 8) + `{"sku":"MS-7","name":"Mouse","count":2,"price":19.95}],` +
	`"note":"please leave it at the door"}`

// threeNodes is a workflow of transform, condition and transform.
const threeNodes = `{"nodes":[
	{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":"lastNode"}}},
	{"id":"normalize","type":"transform","config":{"output":{"orderId":"{{trigger.data.order_id}}","total":"{{trigger.data.total}}","source":"from {{trigger.data._query.source}}"}}},
	{"id":"large","type":"condition","config":{"conditions":[{"left":"{{steps.normalize.output.total}}","operator":"greaterThan","right":100}]}},
	{"id":"out","type":"transform","config":{"output":{"order":"{{steps.normalize.output}}","large":true}}}],
	"edges":[{"source":"t","target":"normalize"},{"source":"normalize","target":"large"},{"source":"large","target":"out","sourceHandle":"true"}]}`

// BenchmarkWebhook measures the cost of a request behind Caddy's server, by the number of nodes.
func BenchmarkWebhook(b *testing.B) {
	s := newSite(b, `{}`, `{}`)
	s.putWorkflow("none", trigger(`{"responseMode":"lastNode"}`))
	s.putWorkflow("three", threeNodes)
	h := s.handler(`{}`)
	for _, id := range []string{"none", "three"} {
		b.Run(id, func(b *testing.B) {
			c := to(id, order).with("Content-Type", "application/json").with("User-Agent", "Shop/2.1").with("Accept", "*/*")
			body := bytes.NewReader([]byte(order))
			r := httptest.NewRequest(http.MethodPost, c.path+"?source=shop", io.NopCloser(body))
			r.ContentLength, r.Header = int64(len(order)), c.header
			r = asCaddy(r.WithContext(context.WithValue(b.Context(), caddyhttp.ServerCtxKey, new(caddyhttp.Server))))
			w := &sink{header: make(http.Header)}
			// as Caddy's server does for each request, with the placeholders http.*
			repl := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
			repl.Map(func(string) (any, bool) { return nil, false })
			fresh := *repl
			b.ReportAllocs()
			for b.Loop() {
				body.Reset([]byte(order))
				clear(w.header)
				*repl = fresh
				if err := h.ServeHTTP(w, r, nil); err != nil || w.status != http.StatusOK {
					b.Fatal(w.status, err)
				}
			}
		})
	}
}

// BenchmarkWebhooks measures the cost of a request when requests go to many workflows in turn, so
// that what each workflow has is no longer in the processor's caches.
func BenchmarkWebhooks(b *testing.B) {
	for _, n := range []int{1, 10_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			s := newSite(b, `{}`, `{}`)
			paths := make([]string, n)
			var pairs []string
			for i := range paths {
				id := fmt.Sprint("w", i)
				pairs = append(pairs, "secrets/"+id, secret, "workflows/"+id, threeNodes)
				paths[i] = to(id, order).path
			}
			for some := range slices.Chunk(pairs, 200) { // as many as a transaction of etcd takes
				s.put(some...)
			}
			h, body, w := s.handler(`{}`), bytes.NewReader([]byte(order)), &sink{header: make(http.Header)}
			r := httptest.NewRequest(http.MethodPost, "/", io.NopCloser(body))
			r.ContentLength, r.Header = int64(len(order)), to("", order).with("Content-Type", "application/json").header
			r = asCaddy(r.WithContext(context.WithValue(b.Context(), caddyhttp.ServerCtxKey, new(caddyhttp.Server))))
			repl := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
			fresh := *repl
			send := func(path string) {
				body.Reset([]byte(order))
				clear(w.header)
				*repl = fresh
				r.URL.Path = path
				if err := h.ServeHTTP(w, r, nil); err != nil || w.status != http.StatusOK {
					b.Fatal(path, w.status, err)
				}
			}
			for _, path := range paths { // each makes what it needs once
				send(path)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				send(paths[i%n])
			}
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.HeapObjects), "objects")
			b.ReportMetric(float64(m.HeapAlloc), "heap-B")
		})
	}
}

// sink is a connection without cost.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header             { return s.header }
func (s *sink) WriteHeader(status int)          { s.status = status }
func (s *sink) Write(b []byte) (int, error)     { return len(b), nil }
func (s *sink) SetReadDeadline(time.Time) error { return nil }
