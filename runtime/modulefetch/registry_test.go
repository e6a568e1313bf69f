package modulefetch

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// registryServer is as much of an OCI registry as is asked for a pull:
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pull
type registryServer struct {
	*httptest.Server
	t         *testing.T
	manifests map[string]document // by tag and by digest
	blobs     map[string][]byte   // by digest
	elsewhere string              // where blobs are; "" = here
	// it wants a token, which the user `user` with the password `secret` gets
	locked bool
	ranges bool // it says that it can serve parts of blobs
}

type document struct {
	mediaType string
	bytes     []byte
}

const token = "secret-token"

func newRegistry(t *testing.T) *registryServer {
	t.Helper()
	r := &registryServer{t: t, manifests: map[string]document{}, blobs: map[string][]byte{}}
	r.Server = serve(t, r)
	t.Setenv("DOCKER_CONFIG", t.TempDir()) // nobody's credentials
	return r
}

// ServeHTTP implements http.Handler.
func (r *registryServer) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.URL.Path == "/token" {
		user, password, _ := req.BasicAuth()
		if user != "user" || password != "secret" {
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"secret"}]}`, http.StatusUnauthorized)
			return
		}
		if scope := req.FormValue("scope"); scope != "repository:team/a:pull" {
			r.t.Errorf("a token was asked for %q", scope)
		}
		fmt.Fprintf(w, `{"token":%q}`, token)
		return
	}
	if r.locked && req.Header.Get("Authorization") != "Bearer "+token {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s/token?x=secret",service="tests"`, r.URL))
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if name, ok := strings.CutPrefix(req.URL.Path, "/v2/team/a/manifests/"); ok {
		if m, ok := r.manifests[name]; ok {
			w.Header().Set("Content-Type", m.mediaType)
			w.Header().Set("Content-Length", strconv.Itoa(len(m.bytes)))
			w.Header().Set("Docker-Content-Digest", digest.FromBytes(m.bytes).String())
			_, _ = w.Write(m.bytes)
			return
		}
	}
	if name, ok := strings.CutPrefix(req.URL.Path, "/v2/team/a/blobs/"); ok {
		if b, ok := r.blobs[name]; ok && r.elsewhere != "" {
			http.Redirect(w, req, r.elsewhere+"/?signature=secret", http.StatusTemporaryRedirect)
			return
		} else if ok {
			if r.ranges {
				w.Header().Set("Accept-Ranges", "bytes")
			}
			_, _ = w.Write(b)
			return
		}
	}
	http.Error(w, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"secret"}]}`, http.StatusNotFound)
}

// tag stores a manifest of layers, media types and bytes in turn, and returns its digest.
func (r *registryServer) tag(name string, layers ...string) string {
	m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, Config: ocispec.DescriptorEmptyJSON}
	m.SchemaVersion = 2
	for i := 0; i < len(layers); i += 2 {
		b := []byte(layers[i+1])
		r.blobs[digest.FromBytes(b).String()] = b
		m.Layers = append(m.Layers, ocispec.Descriptor{MediaType: layers[i], Size: int64(len(b)), Digest: digest.FromBytes(b)})
	}
	b, err := json.Marshal(m)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.put(name, ocispec.MediaTypeImageManifest, b)
}

func (r *registryServer) put(name, mediaType string, b []byte) string {
	r.manifests[name] = document{mediaType, b}
	r.manifests[digest.FromBytes(b).String()] = r.manifests[name]
	return digest.FromBytes(b).String()
}

// at is the source of an artifact here: ":" and a tag, or "@" and a digest.
func (r *registryServer) at(reference string) string {
	return "oci://" + strings.TrimPrefix(r.URL, "https://") + "/team/a" + reference
}

// login writes a docker config file with credentials of the registry.
func (r *registryServer) login(user, password string) {
	r.t.Helper()
	dir := r.t.TempDir()
	r.t.Setenv("DOCKER_CONFIG", dir)
	config := fmt.Appendf(nil, `{"auths":{%q:{"auth":%q}}}`, strings.TrimPrefix(r.URL, "https://"),
		base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
	if err := os.WriteFile(filepath.Join(dir, "config.json"), config, 0o600); err != nil {
		r.t.Fatal(err)
	}
}
