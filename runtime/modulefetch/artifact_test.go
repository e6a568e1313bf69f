package modulefetch

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const text = "text/plain"

// TestArtifact: a module is the layer of its media type whose digest is the configured one.
func TestArtifact(t *testing.T) {
	r := newRegistry(t)
	digest := r.tag("1.0", text, "a license", layerType, "another module", layerType, string(module))
	for name, reference := range map[string]string{"tag": ":1.0", "digest": "@" + digest, "both": ":old@" + digest} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			l.gives(r.at(reference), module)
			l.gives(r.at(reference), module)
			if l.logged("fetched a module") != 1 {
				t.Errorf("the log: %v", l.log.All())
			}
		})
	}
	t.Run("parts of blobs", func(t *testing.T) {
		r.ranges = true
		newLab(t).gives(r.at(":1.0"), module)
	})
	t.Run("no home", func(t *testing.T) {
		t.Setenv("DOCKER_CONFIG", "")
		t.Setenv("HOME", "")
		newLab(t).gives(r.at(":1.0"), module)
	})
}

// TestArtifactOfALockedRegistry: credentials come from docker's config file, and go to the registry
// alone.
func TestArtifactOfALockedRegistry(t *testing.T) {
	r := newRegistry(t)
	r.tag("1.0", layerType, string(module))
	r.locked = true
	newLab(t).refuses(r.at(":1.0"), digestOf(module), "the server responded with 401 Unauthorized: it requires other credentials")
	r.login("user", "wrong-secret")
	newLab(t).refuses(r.at(":1.0"), digestOf(module), "the server responded with 401 Unauthorized: it requires other credentials")
	r.login("user", "secret")
	newLab(t).gives(r.at(":1.0"), module)

	other := serve(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		for _, name := range []string{"Authorization", "Referer"} {
			if req.Header.Get(name) != "" {
				t.Errorf("the storage was sent %s: %s", name, req.Header.Get(name))
			}
		}
		if req.FormValue("signature") != "secret" {
			t.Errorf("the storage was asked for %s", req.URL)
		}
		_, _ = w.Write(module)
	}))
	r.elsewhere = other.URL
	newLab(t).gives(r.at(":1.0"), module)
	other.Close()
	newLab(t).refuses(r.at(":1.0"), digestOf(module), "connection refused")
	r.elsewhere = strings.Replace(other.URL, "https", "http", 1)
	newLab(t).refuses(r.at(":1.0"), digestOf(module), "a URL that is not https")
}

func TestArtifactRefused(t *testing.T) {
	r := newRegistry(t)
	r.tag("text", text, string(module))
	r.tag("empty")
	r.tag("other", layerType, "another module")
	r.tag("gone", layerType, string(module)+"gone")
	delete(r.blobs, "sha256:"+digestOf([]byte(string(module)+"gone")).String())
	r.tag("good", layerType, string(module))
	r.put("index", ocispec.MediaTypeImageIndex, []byte(`{"schemaVersion":2,"manifests":[]}`))
	r.put("malformed", ocispec.MediaTypeImageManifest, []byte(`secret`))
	r.put("long", ocispec.MediaTypeImageManifest, make([]byte, maxManifest+1))
	r.put("untyped", "; secret", []byte(`{}`))
	for reference, want := range map[string]string{
		":missing":                        "the server responded with 404 Not Found",
		"@sha256:" + hex64:                "the server responded with 404 Not Found",
		":text":                           "none of its 1 layers has the media type of a module, application/wasm",
		":empty":                          "none of its 0 layers has the media type of a module",
		":other":                          "not the configured module: its digest is sha256:" + digestOf([]byte("another module")).String(),
		":index":                          "it is not a single artifact",
		":malformed":                      "its manifest is malformed",
		":long":                           "its manifest is over",
		":untyped":                        "Content-Type",
		":good@sha256:" + hex64[1:] + "0": "the server responded with 404 Not Found",
	} {
		l := newLab(t)
		l.refuses(r.at(reference), digestOf(module), want)
	}
	newLab(t).refuses(r.at(":gone"), digestOf([]byte(string(module)+"gone")), "the server responded with 404 Not Found")

	l := newLab(t)
	l.limit = int64(len(module)) - 1
	l.refuses(r.at(":good"), digestOf(module), "it is over")

	r.blobs["sha256:"+digestOf(module).String()] = append([]byte("secret"), module[6:]...)
	newLab(t).refuses(r.at(":good"), digestOf(module), "not the configured module: its sha256 is")

	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"auths":"secret"`), 0o600); err != nil {
		t.Fatal(err)
	}
	newLab(t).refuses(r.at(":good"), digestOf(module), "reading Docker's config file")
}
