package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// keyring contains the keys that sign Debian's packages.
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// bundle contains the trusted certificates, on the host and on the machine.
const bundle = "/etc/ssl/certs/ca-certificates.crt"

// host describes how this machine reaches the network. The new machine takes it over.
type host struct {
	goroot     string
	repository string
	mirror     string // "" = debootstrap's own
	env        []string
	apt        string // apt configuration
	npm        string // npm configuration
}

func readHost(ctx context.Context, o options) (*host, error) {
	h := &host{mirror: o.mirror}
	if h.mirror == "" {
		h.mirror = debianMirror()
	}
	output := func(name string, args ...string) (string, error) {
		out, err := exec.CommandContext(ctx, name, args...).Output()
		if err != nil {
			err = fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
		}
		return strings.TrimSpace(string(out)), err
	}
	var err error
	if h.goroot, err = output("go", "env", "GOROOT"); err != nil {
		return nil, err
	}
	if h.repository, err = output("git", "rev-parse", "--show-toplevel"); err != nil {
		return nil, err
	}
	h.env = []string{"HOME=/root", "LANG=C.UTF-8", "PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	for _, name := range []string{"GOPROXY", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GOINSECURE"} {
		value, err := output("go", "env", name)
		if err != nil {
			return nil, err
		}
		if value != "" {
			h.env = append(h.env, name+"="+value)
		}
	}
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"} {
		if value, ok := os.LookupEnv(name); ok {
			h.env = append(h.env, name+"="+value)
		}
	}
	h.apt = aptSettings(ctx)
	// Without npm on the host there is no npm configuration either.
	for _, of := range []string{"globalconfig", "userconfig"} {
		if file, err := output("npm", "config", "get", of); err == nil {
			b, _ := os.ReadFile(file) // the file is optional
			h.npm += string(b) + "\n"
		}
	}
	return h, nil
}

// debianMirror returns the first Debian source of this machine's apt, or "" if there is none. It
// reads both formats of source lists
// (https://manpages.debian.org/bookworm/apt/sources.list.5.en.html).
func debianMirror() string {
	files, _ := filepath.Glob("/etc/apt/sources.list.d/*") // the pattern is a good one
	source := regexp.MustCompile(`(?m)^(?:URIs:|deb(?: \[.*\])?)\s+(\S+/debian/?)(?:\s|$)`)
	for _, file := range append([]string{"/etc/apt/sources.list"}, files...) {
		if b, err := os.ReadFile(file); err == nil {
			if found := source.FindSubmatch(b); found != nil {
				return string(found[1])
			}
		}
	}
	return ""
}

// aptSettings returns the settings with which this machine's apt reaches its mirrors: proxies,
// certificates, checks.
func aptSettings(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "apt-config", "dump").Output()
	if err != nil {
		return "" // no apt
	}
	var kept strings.Builder
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		of, isAcquire := strings.CutPrefix(strings.ToLower(name), "acquire::")
		if isAcquire && value != `"";` && (strings.HasPrefix(of, "http") || strings.HasPrefix(of, "check-")) {
			kept.WriteString(lines.Text() + "\n")
		}
	}
	return kept.String()
}

// settle configures the machine's access to the network. Certificates go where Debian's
// ca-certificates looks for them, so that they survive its updates. npm has its own list and is
// configured separately.
func (h *host) settle(root string) error {
	npm := h.npm + "\ncafile=" + bundle + "\n"
	for name, text := range map[string]string{"/etc/apt/apt.conf.d/00host": h.apt, "/root/.npmrc": npm} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	own, _ := filepath.Glob("/usr/local/share/ca-certificates/*.crt") // the pattern is a good one
	for _, file := range append(own, bundle, "/etc/resolv.conf", "/etc/hosts") {
		b, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(root, file), b, 0o644)
		}
		if err != nil {
			return fmt.Errorf("copying %s: %w", file, err)
		}
	}
	return nil
}
