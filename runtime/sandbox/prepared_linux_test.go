package sandbox

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/hostapi"
)

// BenchmarkCode measures a call of code on 1 KB of input with typical sources, and with some that
// show what reading the input and writing the output cost. The last is in a new engine each time.
func BenchmarkCode(b *testing.B) {
	var items []string
	for i := range 20 {
		items = append(items, fmt.Sprintf(`{"name":"item number %02d","price":%d,"qty":%d}`, i, i+1, i%3))
	}
	list := "[" + strings.Join(items, ",") + "]"
	input := []byte(`{"input":{"items":` + list + `}}`)
	const total = `({total: input.items.reduce((sum, i) => sum + i.price * i.qty, 0)})`
	for _, c := range []struct {
		name, source, want string
		fresh              bool
	}{
		{"total", `return ` + total, `{"total":203}`, false},
		{"export", `export default (input) => ` + total, `{"total":203}`, false},
		{"await", `await null; return ` + total, `{"total":203}`, false},
		{"read", `input; return null`, `null`, false},
		{"skipped", `return null`, `null`, false},
		{"all", `return input.items`, list, false},
		{"new", `return ` + total, `{"total":203}`, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			m := loadCode(b, newHost(b), Limits{NoSnapshot: c.fresh})
			p := withSource(b, m, c.source)
			s := new(hostapi.Session)
			b.ReportAllocs()
			before := cpuTime(b)
			for b.Loop() {
				s.Reset()
				if r, err := p.Call(b.Context(), s, input, nil); err != nil || string(r.Output) != c.want {
					b.Fatalf("%s, %v", r.Output, err)
				}
			}
			b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
			b.ReportMetric(float64(s.Fuel), "fuel/op")
		})
	}
}

// cpuTime returns the CPU time of the process.
func cpuTime(t testing.TB) time.Duration {
	t.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
