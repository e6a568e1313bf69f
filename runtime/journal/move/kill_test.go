package move_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/move"
)

// childTask makes this binary export or import, to be killed.
const childTask = "FLOWTRUX_MOVE_TASK"

func TestMain(m *testing.M) {
	if task := os.Getenv(childTask); task != "" {
		work(task, os.Args[1], os.Args[2])
	}
	os.Exit(m.Run())
}

// work exports or imports, says when it begins and after each part, and ends the process.
func work(task, path, file string) {
	say := func(move.State) { fmt.Println("part") }
	var err error
	fmt.Println("begun")
	if task == "export" {
		_, err = export(path, file, say)
	} else {
		_, err = importInto(path, file, say)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// kill starts a task, and kills it a moment after so many lines. It reports whether the task had
// ended before.
func kill(t *testing.T, task, path, file string, lines int, moment time.Duration) (done bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], path, file)
	cmd.Env = append(os.Environ(), childTask+"="+task)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	said := 0
	for scan := bufio.NewScanner(out); scan.Scan(); {
		if said++; said == lines {
			time.Sleep(moment)
			_ = cmd.Process.Kill() // fails if it has ended
		}
	}
	err = cmd.Wait()
	if cmd.ProcessState.ExitCode() > 0 {
		t.Fatalf("%s: %v", task, err)
	}
	return err == nil
}

// TestKilled: export and import are killed at random moments and started again, until they end.
// Each item arrives once.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	testKilled(t, filepath.Join(dir, "source.db"), filepath.Join(dir, "target.db"), 2000)
}

// testKilled moves so many items of each kind.
func testKilled(t *testing.T, source, target string, items int) {
	file := filepath.Join(t.TempDir(), "file")
	want := some(items).items()
	fill(t, source, want)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	kills := make(map[string]int)
	for _, task := range []string{"export", "import"} {
		path := source
		if task == "import" {
			path = target
		}
		for {
			if kill(t, task, path, file, 1+r.IntN(5), time.Duration(r.IntN(3000))*time.Microsecond) {
				break
			}
			if kills[task]++; kills[task] == 500 {
				t.Fatalf("%s does not come to an end", task)
			}
			if task == "import" {
				finishSome(t, target, r)
			}
		}
	}
	if kills["export"] < 2 || kills["import"] < 2 {
		t.Errorf("killed %v: nothing was tested", kills)
	}
	got, err := importInto(target, file, quiet)
	must(t, err)
	if p := got.Taken; !got.Already || p.Keys.Stored != items || p.Records.Stored != items || p.Pending.Stored != items ||
		p.Keys.Present+p.Records.Present+p.Pending.Present > 0 {
		t.Errorf("taken %+v", p)
	}
	t.Logf("killed %v; %+v", kills, got.Taken)

	// What the target has begun with meanwhile has ended once; the rest is as it was.
	all := contentOf(t, target)
	byPlace := make(map[string]journal.Item)
	for _, i := range all {
		byPlace[i.Place()] = i
	}
	ended := 0
	for _, i := range want {
		has, ok := byPlace[i.Place()]
		if i.Pending != nil && !ok {
			has, ok = byPlace[(&journal.Item{Record: &journal.Ended{Record: recordOf(i.Pending)}}).Place()]
			ended++
			if ok && has.Record.Record.Code != "ended_here" {
				t.Errorf("%s has ended elsewhere", i.Pending.ID)
			}
		} else if diff := cmp.Diff(i, has, same); ok && diff != "" {
			t.Errorf("item (-source +target):\n%s", diff)
		}
		if !ok {
			t.Errorf("%s is lost", i.Place())
		}
	}
	if len(all) != len(want) {
		t.Errorf("%d items, want %d", len(all), len(want))
	}
	t.Logf("%d executions ended while others were imported", ended)
}

// finishSome ends some executions, as machines do that share the target.
func finishSome(t *testing.T, path string, r *rand.Rand) {
	t.Helper()
	ctx := context.Background()
	j := journalAt(path)
	must(t, j.Open(ctx))
	stats, err := j.Stats(ctx)
	must(t, err)
	for range min(stats.Pending, r.IntN(20)) {
		l, err := j.Claim(ctx)
		must(t, err)
		done := new(journal.Record)
		done.Status, done.Code = journal.Failed, "ended_here"
		must(t, l.Finish(ctx, done))
	}
	must(t, j.Close())
}
