package consoletest

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// Door starts `caddy flowtrux console` for the server, with further arguments, and returns the
// address that it prints. The command ends with the test, or when end is called.
func (s *Server) Door(t T, args ...string) (address string, end func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.Caddy, append([]string{
		"flowtrux", "console", "--json", "--no-browser", "--listen", "127.0.0.1:0", "--address", s.Admin(),
	}, args...)...)
	cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+s.Dir, "XDG_CONFIG_HOME="+s.Dir)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatalf("%v", err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v", err)
	}
	ended := false
	end = func() {
		if ended {
			return
		}
		ended = true
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = cmd.Wait()                          // its exit is not what is tested
	}
	t.Cleanup(end)
	var said struct{ URL string }
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&said); err != nil || said.URL == "" {
		end()
		t.Fatalf("the console does not say where it is: %v\n%s", err, stderr.String())
	}
	return said.URL, end
}
