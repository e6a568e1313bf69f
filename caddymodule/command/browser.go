package command

import (
	"os"
	"os/exec"
	"runtime"
)

// openBrowser opens a URL in the user's browser, if there is one. Its failure is no error: the
// command prints the URL as well.
func openBrowser(url string) {
	name, args := browserCommand(runtime.GOOS, os.Getenv)
	if name == "" {
		return
	}
	cmd := exec.Command(name, append(args, url)...)
	if cmd.Start() == nil {
		go func() { _ = cmd.Wait() }()
	}
}

// browserCommand returns the command of a system that opens a URL; "" = it has no screen.
func browserCommand(goos string, getenv func(string) string) (name string, args []string) {
	switch goos {
	case "darwin":
		return "open", nil
	case "windows":
		return "rundll32", []string{"url.dll,FileProtocolHandler"}
	default:
		if getenv("DISPLAY") == "" && getenv("WAYLAND_DISPLAY") == "" {
			return "", nil
		}
		return "xdg-open", nil
	}
}
