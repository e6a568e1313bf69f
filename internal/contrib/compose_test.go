package contrib

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// service is a service of the Compose file.
type service struct {
	Image       string
	Build       struct{ Context string }
	Restart     string
	ReadOnly    bool     `yaml:"read_only"`
	CapDrop     []string `yaml:"cap_drop"`
	SecurityOpt []string `yaml:"security_opt"`
	MemLimit    string   `yaml:"mem_limit"`
	Logging     struct{ Options map[string]string }
	Networks    []string
	Ports       []string
	Volumes     []string
	Environment map[string]string
	Command     []string
	Secrets     []string
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	StopGrace   string                                `yaml:"stop_grace_period"`
	Healthcheck struct {
		Test    []string
		Disable bool
	}
}

type composition struct {
	Services map[string]service
	Networks map[string]any
	Volumes  map[string]any
	Secrets  map[string]map[string]string
}

// caddyfile returns the source of the Caddyfile that a service mounts; "" = it mounts none.
func (s service) caddyfile() string {
	for _, v := range s.Volumes {
		if source, ok := strings.CutSuffix(v, ":/etc/caddy/Caddyfile:ro"); ok {
			return filepath.Join("contrib", source)
		}
	}
	return ""
}

// address matches a host and a port in a Caddyfile.
var address = regexp.MustCompile(`\b([a-z][a-z0-9]*):(\d{4,5})\b`)

// TestCompose checks that services are restricted, and that what they name is there: files,
// volumes, networks, services, and the ports that others listen at.
func TestCompose(t *testing.T) {
	var c composition
	decode(t, "contrib/compose.yml", &c)
	if want := []string{"balancer", "edge1", "edge2", "edge3", "etcd", "postgres"}; !isSubset(want, c.Services) {
		t.Fatalf("the services are %q", slices.Sorted(maps.Keys(c.Services)))
	}
	used := make(map[string]bool)
	for name, s := range c.Services {
		wrong := func(format string, args ...any) {
			t.Helper()
			t.Errorf("%s: %s", name, fmt.Sprintf(format, args...))
		}
		checkRestricted(s, wrong)
		for _, n := range s.Networks {
			used["network "+n] = true
			if _, ok := c.Networks[n]; !ok {
				wrong("there is no network %s", n)
			}
		}
		for _, v := range s.Volumes {
			source, _, _ := strings.Cut(v, ":")
			if strings.HasPrefix(source, ".") {
				if _, err := os.Stat(filepath.Join(top, "contrib", source)); err != nil {
					wrong("%v", err)
				}
				continue
			}
			if used["volume "+source] {
				wrong("another service writes to the volume %s", source)
			}
			used["volume "+source] = true
			if _, ok := c.Volumes[source]; !ok {
				wrong("there is no volume %s", source)
			}
		}
		for other, d := range s.DependsOn {
			if d.Condition == "service_healthy" && len(c.Services[other].Healthcheck.Test) == 0 {
				wrong("waits for the health of %s, which has no check", other)
			}
		}
		for _, secret := range s.Secrets {
			used["secret "+secret] = true
			if c.Secrets[secret] == nil {
				wrong("there is no secret %s", secret)
			}
		}
		if name != "balancer" && len(s.Ports) > 0 {
			wrong("publishes %q: only the balancer may", s.Ports)
		}
		if file := s.caddyfile(); file != "" {
			checkSecrets(s, read(t, file), wrong)
			checkAddresses(t, c, s, read(t, file), wrong)
		}
	}
	for _, v := range slices.Sorted(maps.Keys(c.Volumes)) {
		if !used["volume "+v] {
			t.Errorf("nothing uses the volume %s", v)
		}
	}
	for name, secret := range c.Secrets {
		// Compose copies others into containers, and cannot into those that are read-only.
		if file := secret["file"]; !strings.HasSuffix(file, ".secret") || !used["secret "+name] {
			t.Errorf("secret %s is %v, used %t", name, secret, used["secret "+name])
		}
	}
	for _, n := range slices.Sorted(maps.Keys(c.Networks)) {
		if !used["network "+n] {
			t.Errorf("nothing uses the network %s", n)
		}
	}
}

// checkRestricted checks what a service may do, and that all it uses has a bound.
func checkRestricted(s service, wrong func(string, ...any)) {
	switch {
	case s.Build.Context != "":
		if _, err := os.Stat(filepath.Join(top, "contrib", s.Build.Context, "Dockerfile")); err != nil {
			wrong("%v", err)
		}
	case !pinned.MatchString(s.Image):
		wrong("the image is not pinned: %s", s.Image)
	}
	if !s.ReadOnly || !slices.Contains(s.CapDrop, "ALL") || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
		wrong("read_only %t, cap_drop %q, security_opt %q", s.ReadOnly, s.CapDrop, s.SecurityOpt)
	}
	if s.Restart == "" || s.MemLimit == "" || s.Logging.Options["max-size"] == "" {
		wrong("restart %q, mem_limit %q, max-size of logs %q", s.Restart, s.MemLimit, s.Logging.Options["max-size"])
	}
	if len(s.Healthcheck.Test) == 0 && !s.Healthcheck.Disable {
		wrong("has no health check")
	}
	for key, value := range s.Environment {
		if secretName.MatchString(key) && !strings.HasPrefix(value, "/run/secrets/") {
			wrong("the environment has a secret: %s", key)
		}
	}
}

// checkSecrets checks that a service has the secrets that its Caddyfile reads.
func checkSecrets(s service, caddyfile string, wrong func(string, ...any)) {
	for _, m := range regexp.MustCompile(`/run/secrets/(\w+)`).FindAllStringSubmatch(caddyfile, -1) {
		if !slices.Contains(s.Secrets, m[1]) {
			wrong("its Caddyfile reads the secret %s, which it does not have", m[1])
		}
	}
}

// checkAddresses checks that the addresses in a service's Caddyfile are those of services that it
// shares a network with, that these listen there, and that it listens where it publishes.
func checkAddresses(t *testing.T, c composition, s service, caddyfile string, wrong func(string, ...any)) {
	t.Helper()
	config := regexp.MustCompile(`(?m)^\s*#.*$`).ReplaceAllString(caddyfile, "")
	listens := func(file, port string) bool { return strings.Contains(file, "\nhttp://:"+port+" {") }
	for _, p := range s.Ports {
		if _, inside, _ := strings.Cut(p, ":"); !listens(config, inside) {
			wrong("publishes %s, and does not listen there", p)
		}
	}
	var hosts []string
	for _, m := range address.FindAllStringSubmatch(config, -1) {
		host, port := m[1], m[2]
		if host == "localhost" {
			continue
		}
		hosts = append(hosts, host)
		other, ok := c.Services[host]
		shared := slices.ContainsFunc(other.Networks, func(n string) bool { return slices.Contains(s.Networks, n) })
		if !ok || !shared {
			wrong("its Caddyfile names %s, which it does not reach", m[0])
		}
		there := strings.Join(other.Command, "\n")
		if file := other.caddyfile(); file != "" {
			there = read(t, file)
		}
		if !listens(there, port) && !strings.Contains(there, ":"+port) && !strings.HasPrefix(other.Image, "postgres:") {
			wrong("its Caddyfile names %s, where nothing listens", m[0])
		}
		if m := regexp.MustCompile(`health_port (\d+)`).FindStringSubmatch(config); m != nil && !listens(there, m[1]) {
			wrong("it checks the health of %s at port %s, where nothing listens", host, m[1])
		}
		if _, waits := s.DependsOn[host]; !waits {
			wrong("it does not wait for %s", host)
		}
	}
	for host := range s.DependsOn {
		if !slices.Contains(hosts, host) {
			wrong("it waits for %s, which its Caddyfile does not name", host)
		}
	}
	if m := regexp.MustCompile(`grace_period (\S+)`).FindStringSubmatch(config); m != nil {
		grace, err := time.ParseDuration(m[1])
		stop, stopErr := time.ParseDuration(s.StopGrace)
		if err != nil || stopErr != nil || stop < grace+5*time.Second {
			wrong("stop_grace_period %q is too short for grace_period %s", s.StopGrace, m[1])
		}
	}
}

func isSubset[V any](names []string, of map[string]V) bool {
	return !slices.ContainsFunc(names, func(name string) bool { _, ok := of[name]; return !ok })
}
