//go:build unix

package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/internal/pgtest"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/postgres"
	"github.com/flowtrux/edge/runtime/store/etcd/etcdtest"
)

// TestSharedJournal: a config with the journal of several machines accepts and runs, shows all
// machines, refuses while the database is away and goes on by itself, and never tells its password.
func TestSharedJournal(t *testing.T) {
	const password = `p@ss:'w\o?rd`
	database, err := pgtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := database.Stop(); err != nil {
			t.Error(err)
		}
	})
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
		t.Fatal(err)
	}
	cluster := etcdtest.Debian(t)
	s := start(t)
	connection := fmt.Sprintf("postgres://%s:{file.%s}@127.0.0.1:%d/postgres?sslmode=disable", pgtest.User, file, database.Port)
	app := "store etcd " + cluster.Address + "\nmachine edge-1\njournal postgres " + connection + " {\n lease 2s\n schema edge\n}"
	s.load(s.caddyfile(app, ""))
	put(cluster, "/flowtrux/workflows/live", echo("minimal"), "/flowtrux/secrets/live", secret+"\n")
	accepted := func() bool {
		a, err := s.tryPost("/api/webhooks/live", `{"n":1}`)
		return err == nil && a.status == http.StatusOK
	}
	eventually(t, "a webhook is accepted", accepted)
	eventually(t, "it has run", func() bool {
		return containsAll(s.ask("GET", "executions?status=succeeded", "").body, `"workflow": "live"`)
	})

	// Another machine opens the journal.
	other := postgres.New(postgres.Options{
		Connection: database.ConnectionTo(pgtest.User), Schema: "edge", Machine: "edge-2", Version: "v9", Lease: 2 * time.Second,
	})
	if err := other.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	other.Describe(map[string]string{"limits executions": "512"})
	status := func() (st adminapi.Status) {
		t.Helper()
		if err := json.Unmarshal([]byte(s.ask("GET", "status", "").body), &st); err != nil {
			t.Fatal(err)
		}
		return st
	}
	st := status()
	if len(st.Machines) != 2 || st.Machines[0].Name != "edge-1" || !st.Machines[0].Self || st.Machines[1].Name != "edge-2" ||
		st.Machines[1].Self || st.Machines[1].Version != "v9" || time.Since(st.Machines[1].LastSeen) > time.Minute {
		t.Errorf("the machines are %+v", st.Machines)
	}
	if st.Durability != string(journal.Disk) || len(st.Troubles) > 0 {
		t.Errorf("durability %s, troubles %+v", st.Durability, st.Troubles)
	}

	eventually(t, "what differs between the machines is told", func() bool {
		w := fmt.Sprint(status().Warnings)
		return strings.Contains(w, "differ in limits executions: 256 on edge-1; 512 on edge-2") && strings.Contains(w, "v9 on edge-2")
	})

	elsewhere := strings.Replace(app, "{\n lease", "{\n # another prefix\n lease", 1)
	elsewhere = strings.Replace(elsewhere, "store etcd "+cluster.Address, "store etcd "+cluster.Address+" {\n prefix /other/\n}", 1)
	if err := s.tryLoad(s.caddyfile(elsewhere, "")); err == nil || !strings.Contains(err.Error(), "prefix /other/") || !strings.Contains(err.Error(), "prefix /flowtrux/") {
		t.Errorf("the schema of another fleet: %v", err)
	}

	configFile := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(configFile, []byte(s.caddyfile(elsewhere, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	var adopted strings.Builder
	adopt := exec.CommandContext(t.Context(), os.Args[0], "flowtrux", "journal", "adopt", configFile)
	adopt.Env, adopt.Stderr = append(os.Environ(), childCaddy+"=1"), &adopted
	if err := adopt.Run(); err == nil || !containsAll(adopted.String(), "edge-1, edge-2", "prefix /other/", "prefix /flowtrux/", "--in-use") {
		t.Errorf("adopting what machines use: %v\n%s", err, adopted.String())
	}

	if err := database.Kill(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	a := s.post("/api/webhooks/live", `{"n":2}`)
	if took := time.Since(began); a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, "journal_unavailable") || took > 5*time.Second {
		t.Errorf("without the database: %d %s after %s", a.status, a.body, took)
	}
	began = time.Now()
	st = status()
	if took := time.Since(began); took > 3*time.Second || len(st.Troubles) != 1 || !strings.Contains(st.Troubles[0].Reason, "127.0.0.1") {
		t.Errorf("the status has the troubles %+v after %s", st.Troubles, took)
	}
	if a := s.ask("GET", "executions", ""); a.status != http.StatusServiceUnavailable {
		t.Errorf("the list without the database: %d %s", a.status, a.body)
	}
	if err := database.Run(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a webhook is accepted again", accepted)

	log, err := os.ReadFile(s.log)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get("http://" + s.admin + "/config/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var config json.RawMessage
	if err := json.NewDecoder(resp.Body).Decode(&config); err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"log": string(log), "config": string(config), "status": s.ask("GET", "status", "").body} {
		for _, secret := range []string{password, "p%40ss", "ss:'w"} {
			if strings.Contains(text, secret) {
				t.Errorf("the password is in the %s", where)
			}
		}
	}
}

// TestSharedJournalNeedsASharedStore: what cannot work together is an error of the config.
func TestSharedJournalNeedsASharedStore(t *testing.T) {
	s := start(t)
	err := s.tryLoad(s.caddyfile("journal postgres postgres://edge@127.0.0.1:1/x", ""))
	if err == nil || !strings.Contains(err.Error(), "the store is in this one alone") {
		t.Errorf("the journal of several machines with the store of one: %v", err)
	}
	err = s.tryLoad(s.caddyfile("store etcd 127.0.0.1:1\njournal postgres postgres://edge:secret@127.0.0.1:1/x", ""))
	if err == nil || !strings.Contains(err.Error(), "has a password in it") || strings.Contains(err.Error(), "edge:secret") {
		t.Errorf("a password in the config: %v", err)
	}
}
