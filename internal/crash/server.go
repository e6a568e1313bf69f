package crash

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/flowtrux/edge/internal/testports"
)

// Config configures a Server.
type Config struct {
	Command []string // the command that starts Caddy; arguments of run are added
	Env     []string // added to the environment of this process
	Dir     string   // the directory of the server's data; it must exist
	Code    string   // the directory of compiled nodes; "" = in Dir
	Logs    string   // the directory of the log, which outlives Dir
	Options string   // lines of the global flowtrux block
	StoreIn string   // the store; "" = embedded, in Dir
	Store   string   // lines of the store's block
	Kept    string   // the journal; "" = in a file in Dir
	Journal string   // lines of the journal's block
	Handler string   // lines of the handler's block
	Site    string   // lines of the site, besides the handler
	Global  string   // lines of the global options
}

// Server is a Caddy process with the flowtrux handler; by default, with an embedded store and a
// journal on disk.
type Server struct {
	Journal string // the journal's file
	config  Config
	site    string   // host:port
	admin   string   // host:port
	process *Process // nil = it was never started
}

// New chooses loopback addresses. It starts nothing.
func New(c Config) (*Server, error) {
	s := &Server{config: c, Journal: filepath.Join(c.Dir, "journal.db")}
	for _, to := range []*string{&s.site, &s.admin} {
		address, err := testports.Reserve()
		if err != nil {
			return nil, err
		}
		*to = address.String()
	}
	return s, nil
}

// Grace is the grace period of servers.
const Grace = 5 * time.Second

// caddyfile returns the server's config. Logs go to standard error.
func (s *Server) caddyfile() string {
	return fmt.Sprintf(`{
	admin %s
	persist_config off
	auto_https off
	grace_period %s
	%s
	flowtrux {
		store %s {
			%s
		}
		journal %s {
			%s
		}
		%s
	}
}
http://%s {
	flowtrux {
		%s
	}
	%s
	respond 404
}
`, s.admin, Grace, s.config.Global,
		cmp.Or(s.config.StoreIn, "embedded "+filepath.Join(s.config.Dir, "store")), s.config.Store,
		cmp.Or(s.config.Kept, "bbolt "+s.Journal), s.config.Journal, s.config.Options,
		s.site, s.config.Handler, s.config.Site)
}

// readyWait is the time limit of a start. Compiling the built-in nodes takes seconds, with the race
// detector many.
const readyWait = 3 * time.Minute

// Start starts the process and waits until it serves the content of its store. The end of ctx kills
// it.
func (s *Server) Start(ctx context.Context) error {
	file := filepath.Join(s.config.Dir, "Caddyfile")
	if err := os.WriteFile(file, []byte(s.caddyfile()), 0o600); err != nil {
		return err
	}
	data := filepath.Join(s.config.Dir, "caddy", "flowtrux")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	if code := filepath.Join(data, "wasm"); s.config.Code != "" {
		if err := os.Symlink(s.config.Code, code); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	args := append(append([]string(nil), s.config.Command[1:]...), "run", "--config", file, "--adapter", "caddyfile")
	cmd := exec.CommandContext(ctx, s.config.Command[0], args...)
	cmd.Env = append(os.Environ(), s.config.Env...)
	cmd.Env = append(cmd.Env, "XDG_DATA_HOME="+s.config.Dir, "XDG_CONFIG_HOME="+s.config.Dir)
	process, err := StartProcess(cmd, s.logFile())
	if err != nil {
		return fmt.Errorf("starting the server: %w", err)
	}
	s.process = process
	return s.await(ctx)
}

// await waits until the store is ready.
func (s *Server) await(ctx context.Context) error {
	late := time.After(readyWait)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := s.AdminRequest(ctx, "GET", "workflows", nil, nil)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-s.process.Ended():
			return s.WithLog(fmt.Errorf("the server has ended: %s", s.process.State()))
		case <-late:
			return s.WithLog(fmt.Errorf("the server does not become ready: %w", err))
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Kill kills the process without notice, and waits for its end. It may have ended already.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

// Stop asks the process to end, and waits until it has.
func (s *Server) Stop() error {
	s.end(syscall.SIGTERM)
	if state := s.process.State(); !state.Success() {
		return s.WithLog(fmt.Errorf("stopping the server: %s", state))
	}
	return nil
}

func (s *Server) end(how syscall.Signal) {
	if s.process != nil {
		s.process.End(how)
	}
}

// Use makes later starts use another command.
func (s *Server) Use(command []string) { s.config.Command = command }

// Process returns the process that was started last; nil = none was.
func (s *Server) Process() *Process { return s.process }

// Site returns the address for webhooks, host:port.
func (s *Server) Site() string { return s.site }

// Admin returns the address of Caddy's admin endpoint, host:port.
func (s *Server) Admin() string { return s.admin }

// PID returns the process id.
func (s *Server) PID() int { return s.process.cmd.Process.Pid }

// Log returns the log so far.
func (s *Server) Log() string {
	b, _ := os.ReadFile(s.logFile()) // there is none before the start
	return string(b)
}

func (s *Server) logFile() string { return filepath.Join(s.config.Logs, "caddy.log") }

// WithLog adds the end of the log to err.
func (s *Server) WithLog(err error) error {
	log := s.Log()
	return fmt.Errorf("%w\n%s", err, log[max(0, len(log)-2000):])
}
