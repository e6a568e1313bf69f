package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/flowtrux/edge/bench/meter"
	"github.com/flowtrux/edge/internal/testports"
)

// secret signs the webhooks of the bench.
const secret = "bench-secret"

// site is the configuration of a server.
type site struct {
	name string
	http string // directives of the site
	edge bool   // there is a flowtrux block
	app  string // its options
	// seed holds documents by file below the seed directory: workflows/<id>.json, secrets/<id>.
	seed map[string]string
	// cores limits the threads that run Go code; 0 for as many as there are cores.
	cores int
	// empty gives the server a cache of compiled nodes of its own, which is empty at first.
	empty bool
}

// edgeSite returns a site with the flowtrux handler, whose store is seeded with the given
// documents. app holds further options of the flowtrux block. What it does not set is as users have
// it, the journal on disk among it: a journal in memory keeps records in the heap, so that its
// memory, and how rarely garbage is collected, would depend on how long the bench has run.
func edgeSite(name string, seed map[string]string, app string) site {
	return site{name: name, http: "flowtrux", edge: true, app: app, seed: seed}
}

// server is a Caddy process with its own data directory.
type server struct {
	name    string
	address netip.AddrPort // of the site
	url     string         // of the site
	admin   string
	dir     string
	conf    string
	env     []string // beside that of this process
	bench   *bench

	cmd  *exec.Cmd
	exit chan struct{} // closed when the process has exited
}

// newServer creates the data directory and the config for s.
func (b *bench) newServer(s site) (*server, error) {
	dir, err := os.MkdirTemp(b.dir, "server-")
	if err != nil {
		return nil, err
	}
	address, err := testports.Reserve()
	if err != nil {
		return nil, err
	}
	admin, err := testports.Reserve()
	if err != nil {
		return nil, err
	}
	v := &server{
		name: s.name, address: address, url: "http://" + address.String(), admin: "http://" + admin.String(),
		dir: dir, conf: filepath.Join(dir, "Caddyfile"), env: []string{"XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir}, bench: b,
	}
	if s.cores > 0 {
		v.env = append(v.env, "GOMAXPROCS="+strconv.Itoa(s.cores))
	}
	app := ""
	if s.edge {
		app = fmt.Sprintf("flowtrux {\nstore embedded %s {\nseed %s\n}\n%s\n}", filepath.Join(dir, "store"), filepath.Join(dir, "seed"), s.app)
	}
	files := map[string]string{"Caddyfile": fmt.Sprintf("{\nadmin %s\npersist_config off\nlog {\nlevel WARN\n}\n%s\n}\n%s {\n%s\n}\n", admin, app, v.url, s.http)}
	for name, text := range s.seed {
		files[filepath.Join("seed", name)] = text
	}
	data := filepath.Join(dir, "caddy", "flowtrux")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	if !s.empty {
		if err := os.Symlink(b.code, filepath.Join(data, "wasm")); err != nil {
			return nil, err
		}
	}
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600)); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// start starts the process, which runs until stop is called or ctx is done.
func (v *server) start(ctx context.Context) error {
	log, err := os.OpenFile(filepath.Join(v.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	v.cmd = exec.CommandContext(ctx, v.bench.caddy, "run", "--config", v.conf)
	v.cmd.Env = append(os.Environ(), v.env...)
	v.cmd.Stdout, v.cmd.Stderr = log, log
	v.cmd.Cancel = func() error { return v.cmd.Process.Signal(syscall.SIGTERM) }
	v.cmd.WaitDelay = 10 * time.Second // killed after that
	if err := v.cmd.Start(); err != nil {
		return fmt.Errorf("starting the server: %w", err)
	}
	v.exit = make(chan struct{})
	go func(exit chan struct{}) {
		defer close(exit)
		_ = v.cmd.Wait() // ProcessState has the result
	}(v.exit)
	return nil
}

// stop terminates the process if it runs and waits until it has exited.
func (v *server) stop() {
	if v.exit == nil {
		return
	}
	_ = v.cmd.Process.Signal(syscall.SIGTERM) // it may have exited already
	select {
	case <-v.exit:
	case <-time.After(20 * time.Second):
		_ = v.cmd.Process.Kill()
		<-v.exit
	}
}

// failed returns err with the end of the server's log.
func (v *server) failed(err error) error {
	log := read(filepath.Join(v.dir, "log"))
	return fmt.Errorf("%s: %w\n%s", v.name, err, log[max(0, len(log)-2000):])
}

func (v *server) pid() int { return v.cmd.Process.Pid }

// cpu returns the CPU time used by the process.
func (v *server) cpu() (time.Duration, error) { return meter.CPU(v.pid()) }

// serve starts a server for each site and waits for the first correct response of each. stop stops
// all servers that were started.
func (b *bench) serve(ctx context.Context, first request, sites ...site) (servers []*server, stop func(), err error) {
	stop = func() {
		for _, v := range servers {
			v.stop()
		}
	}
	defer func() {
		if err != nil {
			stop()
		}
	}()
	for _, s := range sites {
		b.progress("starting: %s", s.name)
		v, err := b.newServer(s)
		if err != nil {
			return servers, stop, err
		}
		servers = append(servers, v)
		if err := v.start(ctx); err != nil {
			return servers, stop, err
		}
		if err := v.await(ctx, first, 2*time.Minute); err != nil {
			return servers, stop, v.failed(err)
		}
	}
	return servers, stop, rest(ctx, time.Second)
}
