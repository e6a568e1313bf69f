//go:build unix

package integration

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/internal/pgtest"
	"github.com/flowtrux/edge/internal/testports"
	"github.com/flowtrux/edge/runtime/store/etcd/etcdtest"
)

// moves runs `caddy flowtrux journal` in real processes.
type moves struct {
	*testing.T
	secrets []string // which are printed nowhere
	kills   int
}

// run runs a command to its end.
func (m *moves) run(args ...string) (out string, err error) {
	m.Helper()
	cmd := exec.CommandContext(m.Context(), os.Args[0], append([]string{"flowtrux", "journal"}, args...)...)
	cmd.Env = append(os.Environ(), childCaddy+"=1")
	b, err := cmd.CombinedOutput()
	m.checkSecrets(fmt.Sprint(args), string(b))
	return string(b), err
}

func (m *moves) checkSecrets(where, text string) {
	m.Helper()
	for _, secret := range m.secrets {
		if strings.Contains(text, secret) {
			m.Errorf("%s: the password is in\n%s", where, text)
		}
	}
}

// fails checks that a command fails with some texts.
func (m *moves) fails(args []string, want ...string) {
	m.Helper()
	out, err := m.run(args...)
	if err == nil || !containsAll(out, want...) {
		m.Errorf("%q: %v, want %q in\n%s", args, err, want, out)
	}
}

// killed runs a command that is killed again and again, until it has ended once.
func (m *moves) killed(args ...string) {
	m.Helper()
	all := append([]string{"flowtrux", "journal"}, args...)
	began := time.Now()
	for most := 100 * time.Millisecond; !killedCaddy(m.T, rand.N(most), all...); most += most / 8 {
		if m.kills++; time.Since(began) > patience {
			m.Fatalf("%q does not come to an end", args)
		}
	}
}

// TestMoveToSeveralMachines moves the journal of a server to several machines, one of which runs
// already, and then back. Each accepted execution ends once, each node with a checkpoint runs once,
// and a duplicate gets the first one's answer everywhere. Mistakes of operators change nothing.
func TestMoveToSeveralMachines(t *testing.T) {
	const accepted, password = 60, `p@ss:'w\o?rd`
	database, err := pgtest.Start()
	must(t, err)
	t.Cleanup(func() { must(t, database.Stop()) })
	secretFile := write(t, "password", password)
	cluster := etcdtest.Debian(t)
	one, target := start(t), recording(t)
	two := *one
	two.site, two.admin, two.log = testports.Address(t), testports.Address(t), filepath.Join(t.TempDir(), "two.log")
	config := func(s *server, machine, prefix, engine string) string {
		return s.caddyfile(fmt.Sprintf("store etcd %s {\n prefix %s\n cache off\n}\n machine %s\n journal %s\n egress {\n allow %s\n }"+patientLimits,
			cluster.Address, prefix, machine, engine, target.Address), "")
	}
	shared := fmt.Sprintf("postgres postgres://%s:{file.%s}@127.0.0.1:%d/postgres?sslmode=disable {\n lease 2s\n schema edge\n}",
		pgtest.User, secretFile, database.Port)
	dir := t.TempDir()
	source, own := filepath.Join(dir, "source.db"), filepath.Join(dir, "own.db")
	onFirst, onMachine1, onMachine2 := config(one, "edge-1", "/flowtrux/", "bbolt "+source), config(one, "edge-1", "/flowtrux/", shared),
		config(&two, "edge-2", "/flowtrux/", shared)
	from, to := write(t, "Caddyfile", onFirst), write(t, "Caddyfile", onMachine1)
	elsewhere := write(t, "Caddyfile", config(one, "edge-1", "/other/", shared))
	moved, back := filepath.Join(dir, "moved"), filepath.Join(dir, "back")
	m := &moves{T: t, secrets: []string{password, "p%40ss", "ss:'w"}}

	call, wait := movedWorkflows(target)
	put(cluster, "/flowtrux/workflows/call", call, "/flowtrux/secrets/call", secret, "/flowtrux/workflows/wait", wait, "/flowtrux/secrets/wait", secret)
	kill := one.spawn(onFirst)
	w := acceptToMove(one, target, accepted)
	kill()
	l := w.ledger(target, source)

	// To several machines, one of which runs already.
	kill2 := two.spawn(onMachine2)
	m.killed("export", moved, "--config", from)
	m.fails([]string{"import", moved, "--config", elsewhere}, "belongs to the fleet of", "prefix /flowtrux/", "prefix /other/", "name another schema")
	m.killed("import", moved, "--config", to)
	if out, err := m.run("import", moved, "--config", to); err != nil || !containsAll(out, "all of it was imported before", "schema edge") {
		t.Errorf("a second import: %v\n%s", err, out)
	}
	target.ReleaseAll()
	kill = one.spawn(onMachine1)
	w.duplicates(one, &two)
	w.allEnded(one)
	m.fails([]string{"export", back, "--config", to}, "used by another process", "edge-1, last seen", "edge-2, last seen", "stop all servers")
	w.duplicates(one, &two)

	// And back. That machines were killed is found out at once on their host.
	kill()
	kill2()
	early := filepath.Join(dir, "early")
	m.killed("export", early, "--config", to)
	if out, err := m.run("reopen", early, "--config", to); err != nil || !containsAll(out, "schema edge is usable again") {
		t.Errorf("taking an export back: %v\n%s", err, out)
	}
	m.killed("export", back, "--config", to)
	m.fails([]string{"import", moved, "--config", to}, "schema edge", "journal was exported", "import into another journal")
	if err := one.tryLoad(onMachine1); err == nil || !containsAll(err.Error(), "schema edge", "journal was exported") {
		t.Errorf("a machine with the exported journal: %v", err)
	}
	again := config(one, "edge-1", "/flowtrux/", "bbolt "+own)
	m.killed("import", back, "--config", write(t, "Caddyfile", again))
	one.spawn(again)
	w.duplicates(one)
	w.allEnded(one)
	l.called(target.Calls())
	for id := range w.ids {
		for _, node := range []string{"first", "second"} {
			if l.calls[key(id, node)] == 0 {
				t.Errorf("node %s of %s never reached the target", node, id)
			}
		}
	}
	t.Logf("%d kills; %d nodes were spared a second run by their checkpoint, %d ran again", m.kills, l.spared, l.again)
	for _, file := range []string{moved, back, one.log, two.log} {
		b, err := os.ReadFile(file)
		must(t, err)
		m.checkSecrets(file, string(b))
	}

	must(t, database.Kill())
	m.fails([]string{"import", moved, "--config", to}, "database postgres of 127.0.0.1", "nothing was imported", "run this again to go on")
}
