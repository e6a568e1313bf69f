//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"time"

	"github.com/flowtrux/edge/internal/crash"
)

// plain is a workflow whose sender waits, without keys: it needs no journal.
const plain = `{"nodes":[{"id":"trigger","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":"lastNode"}}},
	{"id":"echo","type":"transform","config":{"output":{"got":"{{trigger.data.n}}"}}}],"edges":[{"source":"trigger","target":"echo"}]}`

// cutOff cuts the network to both database servers under load.
func (f *fleet) cutOff(ctx context.Context, long time.Duration) ([]figure, error) {
	if err := f.edges[0].Put(ctx, "plain", plain); err != nil {
		return nil, err
	}
	if err := f.each(func(i int) error {
		return poll(ctx, func() error { return f.sendPlain(ctx, i) })
	}); err != nil {
		return nil, err
	}
	load := f.load(ctx, 16)
	defer load.end()
	var all saw
	phase := func() error {
		err := load.await(ctx, 2000)
		all.add(load.sofar())
		return err
	}
	if err := phase(); err != nil {
		return nil, err
	}
	before, err := f.held()
	if err != nil {
		return nil, err
	}
	reconnect := f.database.cut()
	served, failed := 0, 0
	var slowest time.Duration
	for end := time.Now().Add(long); time.Now().Before(end) && ctx.Err() == nil; {
		for i := range f.edges {
			began := time.Now()
			if err := f.sendPlain(ctx, i); err != nil {
				failed++
			} else {
				served++
			}
			slowest = max(slowest, time.Since(began))
		}
	}
	during := load.sofar()
	all.add(during)
	reconnect()
	if err := phase(); err != nil {
		return nil, err
	}
	load.end()
	all.add(load.sofar())
	o, err := f.settle(ctx, all)
	if err != nil {
		return nil, err
	}
	// What was opened while it was cut is given back some time later.
	var after usage
	leaked := poll(ctx, func() (err error) {
		if after, err = f.held(); err == nil && (after.goroutines > before.goroutines || after.files > before.files) {
			err = fmt.Errorf("%+v, before it was %+v", after, before)
		}
		return err
	})
	if leaked != nil && ctx.Err() != nil {
		return nil, leaked
	}
	return append([]figure{
		atLeast(fmt.Sprintf("waiting webhooks without a key, answered within the %s", long), 1, served),
		exactly("of them that failed", 0, failed),
		atMost("the slowest one of them", 2*time.Second, slowest),
		atLeast("webhooks refused with "+refusedForNow, 1, during.refused[refusedForNow]),
		leftOver("goroutines of the edges after the load", before.goroutines, after.goroutines),
		leftOver("open files and connections", before.files, after.files),
	}, o.promises()...), nil
}

// leftOver is what the edges hold in the end, compared with before the cut.
func leftOver(what string, before, after int) figure {
	return figure{what, fmt.Sprintf("%d under load before", before), fmt.Sprintf("≤ %d", before), fmt.Sprint(after), after <= before}
}

func (f *fleet) sendPlain(ctx context.Context, edge int) error {
	a, err := f.edges[edge].Send(ctx, crash.Request{Workflow: "plain", Body: `{"n":1}`})
	if err == nil && a.Status != http.StatusOK {
		err = fmt.Errorf("%s answers %d %s", name(edge), a.Status, a.Body)
	}
	return err
}

// usage is what the edges hold, together.
type usage struct{ goroutines, files int }

var total = regexp.MustCompile(`goroutine profile: total (\d+)`)

func (f *fleet) held() (u usage, err error) {
	for _, e := range f.edges {
		resp, err := fresh.Get("http://" + e.Admin() + "/debug/pprof/goroutine?debug=1")
		if err != nil {
			return u, err
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		m := total.FindSubmatch(text)
		if err != nil || m == nil {
			return u, errors.Join(errors.New("no goroutine profile"), err)
		}
		n, err := strconv.Atoi(string(m[1]))
		if err != nil {
			return u, err
		}
		files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", e.PID()))
		if err != nil {
			return u, err
		}
		u.goroutines += n
		u.files += len(files)
	}
	return u, nil
}
