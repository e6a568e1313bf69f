package integration

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/flowtrux/edge/internal/compiled"
	"github.com/flowtrux/edge/internal/crash"
	"github.com/flowtrux/edge/runtime/journal"
)

// The number of kills, and the total number of executions that the server accepts. CONTRIBUTING.md
// has larger numbers.
var (
	killRounds = flag.Int("kill.rounds", 3, "how often TestKilledUnderLoad kills the server")
	killAccept = flag.Int("kill.accept", 600, "how many executions it lets the server accept, at least")
)

// patience is the limit for waits. Only a failing test or a very busy machine reaches it.
const patience = 5 * time.Minute

// child creates a Caddy in its own process that can reach the target. The end of the test kills it.
func child(t *testing.T, target *crash.Target, more ...func(*crash.Config)) *crash.Server {
	t.Helper()
	code, err := compiled.Dir()
	if err != nil {
		t.Fatal(err)
	}
	c := crash.Config{
		Command: []string{os.Args[0]}, Env: []string{childCaddy + "=1"}, Dir: t.TempDir(), Code: code, Logs: t.TempDir(),
		Options: fmt.Sprintf("egress {\n allow %s\n }", target.Address) + patientLimits,
	}
	for _, set := range more {
		set(&c)
	}
	s, err := crash.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

func recording(t *testing.T) *crash.Target {
	t.Helper()
	target, err := crash.NewTarget()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { target.Close() })
	return target
}

// calling is a workflow in mode minimal whose nodes call a URL, one after the other.
func calling(url string, nodes ...string) string {
	steps, edges, before := "", "", "trigger"
	for _, id := range nodes {
		steps += fmt.Sprintf(`,{"id":%q,"type":"http-request","config":{"method":"POST","url":%q,"body":"{{trigger.data}}"}}`, id, url)
		if edges != "" {
			edges += ","
		}
		edges += fmt.Sprintf(`{"source":%q,"target":%q}`, before, id)
		before = id
	}
	return `{"nodes":[{"id":"trigger","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":"minimal"}}}` +
		steps + `],"edges":[` + edges + `]}`
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// key returns the Idempotency-Key of a node's call.
func key(id, node string) string { return id + "-" + node + "-0" }

// ledger records what a test knows of executions across the kills of their server.
type ledger struct {
	*testing.T
	accepted []string
	calls    map[string]int  // by key, of all processes
	kept     map[string]bool // keys of nodes whose checkpoint was on disk when a process was killed
	again    int             // calls of nodes that an earlier process had called
	spared   int             // nodes with a stored checkpoint, of executions that continued
}

// called records the calls of a process. No node among them had a checkpoint before that process
// began.
func (l *ledger) called(calls map[string]int) {
	l.Helper()
	for k := range calls {
		if l.kept[k] {
			l.Errorf("%s ran again although its checkpoint was stored", k)
		}
		if l.calls[k] > 0 {
			l.again++
		}
		l.calls[k] += calls[k]
	}
}

// died reads the journal of a process that was killed.
func (l *ledger) died(k crash.JournalDump, nodes []string) {
	l.Helper()
	counts := make(map[string]int)
	for _, id := range l.accepted {
		switch status := k.Status[id]; status {
		case journal.Pending:
			for _, node := range k.Steps[id] {
				if k := key(id, node); !l.kept[k] {
					l.kept[k] = true
					l.spared++
				}
			}
			fallthrough
		case journal.Succeeded:
			counts[status]++
		default:
			l.Errorf("%s was accepted and is %q", id, status)
		}
	}
	for id, status := range k.Status {
		if status == journal.Succeeded {
			for _, node := range nodes {
				l.kept[key(id, node)] = true
			}
		}
	}
	l.Logf("%d accepted, %v", len(l.accepted), counts)
}

// TestKilledUnderLoad kills a server at random moments while 32 senders load it. All accepted
// executions are stored, reach the target, and end. Of those that were running, only nodes without
// a checkpoint on disk run again.
func TestKilledUnderLoad(t *testing.T) {
	const senders = 32
	nodes := []string{"first", "second"}
	target := recording(t)
	s := child(t, target)
	l := &ledger{T: t, calls: make(map[string]int), kept: make(map[string]bool)}
	each := (*killAccept + *killRounds - 1) / *killRounds
	for round := range *killRounds {
		must(t, s.Start(t.Context()))
		if round == 0 {
			must(t, s.Put(t.Context(), "call", calling(target.URL, nodes...)))
		}
		load := s.Load(t.Context(), senders, "call")
		must(t, load.WaitAccepted(each+rand.IntN(each/4), patience))
		s.Kill()
		accepted, _ := load.Stop()
		l.accepted = append(l.accepted, accepted...)
		l.called(target.Calls())
		k, err := crash.DumpJournal(t.Context(), s.Journal, t.TempDir())
		must(t, err)
		l.died(k, nodes)
	}
	must(t, s.Start(t.Context()))
	must(t, s.WaitDrained(t.Context(), patience))
	ended, err := s.Executions(t.Context())
	must(t, err)
	must(t, s.Stop())
	l.called(target.Calls())
	seen := make(map[string]bool)
	lost := 0
	for _, id := range l.accepted {
		if seen[id] {
			t.Errorf("%s was accepted twice", id)
		}
		seen[id] = true
		if ended[id].Status != journal.Succeeded {
			t.Errorf("%s was accepted and is %+v", id, ended[id])
			lost++
		}
		for _, node := range nodes {
			if l.calls[key(id, node)] == 0 {
				t.Errorf("node %s of %s never reached the target", node, id)
			}
		}
	}
	t.Logf("%d kills, %d accepted, %d of them lost; %d nodes ran again, %d were spared it by their checkpoint",
		*killRounds, len(l.accepted), lost, l.again, l.spared)
}
