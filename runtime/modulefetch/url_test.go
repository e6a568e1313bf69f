package modulefetch

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

func withSecrets(url string) string {
	return strings.Replace(url, "https://", "https://user:secret@", 1) + "?token=secret"
}

// TestRefused: errors say why, contain no secrets, and leave nothing on disk.
func TestRefused(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	var server *httptest.Server
	server = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/denied":
			http.Error(w, "secret", http.StatusForbidden)
		case "/other":
			_, _ = w.Write([]byte("secret"))
		case "/long":
			_, _ = w.Write(append(module, 0))
		case "/chunked":
			for range 20 {
				_, _ = w.Write(module[:len(module)/10])
				w.(http.Flusher).Flush()
			}
		case "/cut":
			w.Header().Set("Content-Length", "100000")
			_, _ = w.Write(module[:100])
		case "/silent":
			<-r.Context().Done()
		case "/stalls":
			_, _ = w.Write(module[:100])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		case "/plain":
			http.Redirect(w, r, plain.URL+"/secret", http.StatusFound)
		case "/round":
			http.Redirect(w, r, server.URL+"/round?token=secret", http.StatusFound)
		case "/nowhere":
			http.Redirect(w, r, "https://127.0.0.1:1/secret?token=secret", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	}))
	for path, want := range map[string]string{
		"/missing": "the server responded with 404 Not Found",
		"/denied":  "the server responded with 403 Forbidden: it requires other credentials",
		"/other":   "not the configured module: its sha256 is 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
		"/long":    "it is over",
		"/chunked": "it is over",
		"/cut":     "unexpected EOF",
		"/silent":  "no data arrived for",
		"/stalls":  "no data arrived for",
		"/plain":   "it redirects to a URL that is not https",
		"/round":   "it redirects more than 5 times",
		"/nowhere": "connection refused",
	} {
		t.Run(path[1:], func(t *testing.T) {
			l := newLab(t)
			l.limit = int64(len(module))
			if strings.HasPrefix(path, "/s") {
				l.stall = 50 * time.Millisecond
			}
			l.refuses(withSecrets(server.URL+path), digestOf(module), want)
			l.refuses(withSecrets(server.URL+path), digestOf(module), server.URL+path+": ")
		})
	}
	t.Run("time", func(t *testing.T) {
		l := newLab(t)
		l.time = 50 * time.Millisecond
		l.refuses(server.URL+"/stalls", digestOf(module), "it takes longer than 50ms")
	})
	t.Run("cancelled", func(t *testing.T) {
		l := newLab(t)
		o, err := Parse(server.URL + "/stalls")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("the config is gone"))
		if _, err := l.Load(ctx, o, digestOf(module)); err == nil || !strings.Contains(err.Error(), "the config is gone") {
			t.Errorf("%v", err)
		}
	})
	t.Run("unknown certificate", func(t *testing.T) {
		// serve puts back what was before
		http.DefaultTransport.(*http.Transport).TLSClientConfig = nil
		newLab(t).refuses(withSecrets(server.URL), digestOf(module), "certificate")
	})
}

// TestCredentialsStayWithTheirHost: a URL's user and password are sent to its own server; where it
// leads on to learns nothing.
func TestCredentialsStayWithTheirHost(t *testing.T) {
	other := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"Authorization", "Referer", "Cookie"} {
			if r.Header.Get(name) != "" {
				t.Errorf("the other server was sent %s: %s", name, r.Header.Get(name))
			}
		}
		_, _ = w.Write(module)
	}))
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, ok := r.BasicAuth(); !ok || user != "user" || password != "secret" || r.FormValue("token") != "secret" {
			t.Errorf("the server was not sent the credentials: %v", r.Header)
		}
		http.Redirect(w, r, strings.Replace(other.URL, "127.0.0.1", "example.com", 1), http.StatusFound)
	}))
	transport := http.DefaultTransport.(*http.Transport)
	dial := transport.DialContext
	t.Cleanup(func() { transport.DialContext = dial })
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		return dial(ctx, network, strings.Replace(address, "example.com", "127.0.0.1", 1))
	}
	newLab(t).gives(withSecrets(server.URL), module)
}

// TestProgress: of a long download the log tells how far it has come.
func TestProgress(t *testing.T) {
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(module)))
		_, _ = w.Write(module)
	}))
	l := newLab(t)
	l.by = 0
	l.gives(withSecrets(server.URL), module)
	lines := l.log.FilterMessage("still fetching a module").All()
	if len(lines) == 0 || l.logged("fetching a module") != 1 || l.logged("fetched a module") != 1 {
		t.Fatalf("the log: %v", l.log.All())
	}
	last := lines[len(lines)-1].ContextMap()
	if last["bytes"] != int64(len(module)) || last["size"] != int64(len(module)) || last["source"] != server.URL || last["sha256"] != digestOf(module).String() {
		t.Errorf("the last line: %v", last)
	}
}
