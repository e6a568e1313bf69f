package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// clockTick is the unit of CPU times in /proc: USER_HZ, which is 100 on every Linux that Go runs on.
const clockTick = time.Second / 100

// workflow is a chain of three nodes with a custom status and header, in the given mode.
const workflow = `{"nodes":[
	{"id":"trigger","type":"trigger","config":{"triggerType":"webhook","webhook":
		{"responseMode":%q,"statusCode":201,"headers":{"X-Flow":"ok"}}}},
	{"id":"normalize","type":"transform","config":{"output":{"orderId":"{{trigger.data.order_id}}","total":"{{trigger.data.total}}"}}},
	{"id":"large","type":"condition","config":{"conditions":[{"left":"{{steps.normalize.output.total}}","operator":"greaterThan","right":100}]}},
	{"id":"answer","type":"transform","config":{"output":{"order":"{{steps.normalize.output}}","large":"{{steps.large.output.result}}"}}}],
	"edges":[{"source":"trigger","target":"normalize"},{"source":"normalize","target":"large"},
		{"source":"large","target":"answer","sourceHandle":"true"}]}`

// server is the Caddy under test, with a data directory of its own.
type server struct {
	url, admin string
	dir        string
	cmd        *exec.Cmd
	log        bytes.Buffer
}

func startServer(caddy string) (s *server, err error) {
	dir, err := os.MkdirTemp("", "flowtrux-bench-")
	if err != nil {
		return nil, err
	}
	s = &server{dir: dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, errors.New(s.log.String()))
			s.stop()
		}
	}()
	site, admin := freeAddress(), freeAddress()
	s.url, s.admin = "http://"+site, "http://"+admin
	conf := filepath.Join(dir, "Caddyfile")
	text := fmt.Sprintf(`{
	admin %s
	persist_config off
	flowtrux {
		journal memory {
			max_pending 1000000
		}
	}
}
%s {
	respond /respond 201
	flowtrux
}
`, admin, s.url)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return s, err
	}
	s.cmd = exec.Command(caddy, "run", "--config", conf)
	s.cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	s.cmd.Stderr = &s.log
	if err := s.cmd.Start(); err != nil {
		return s, fmt.Errorf("starting %s (make build makes it): %w", caddy, err)
	}
	if err := s.await("status", func(b []byte) bool { return bytes.Contains(b, []byte(`"live"`)) }); err != nil {
		return s, err
	}
	for id, mode := range map[string]string{"three": "lastNode", "accepted": "minimal"} {
		if err := errors.Join(s.put("workflows/"+id, fmt.Sprintf(workflow, mode)), s.put("secrets/"+id, secret)); err != nil {
			return s, err
		}
	}
	return s, nil
}

// stop ends the process that startServer started and removes its directory.
func (s *server) stop() {
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		_ = s.cmd.Wait()
	}
	_ = os.RemoveAll(s.dir)
}

// cpu is the CPU time that the server has used: fields 14 and 15 of /proc/<pid>/stat (proc(5)).
func (s *server) cpu() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * clockTick, errors.Join(err1, err2)
}

// settle waits until accepted executions have ended, so that their cost counts for the round that accepted them.
func (s *server) settle() error {
	return s.await("status", func(b []byte) bool {
		return bytes.Contains(b, []byte(`"pending": 0`)) && bytes.Contains(b, []byte(`"running": 0`))
	})
}

func (s *server) await(path string, ok func([]byte) bool) error {
	var last []byte
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get(s.admin + "/flowtrux/" + path)
		if err != nil {
			continue
		}
		last, _ = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if ok(last) {
			return nil
		}
	}
	return fmt.Errorf("the server did not get there: %s", last)
}

func (s *server) put(path, text string) error {
	req, err := http.NewRequest(http.MethodPut, s.admin+"/flowtrux/"+path, strings.NewReader(text))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		return fmt.Errorf("PUT %s: HTTP %d: %s", path, resp.StatusCode, b)
	}
	return nil
}

func freeAddress() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "127.0.0.1:0"
	}
	defer l.Close()
	return l.Addr().String()
}
