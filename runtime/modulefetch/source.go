// Package modulefetch downloads node modules from https servers and OCI registries. A module is
// named by its SHA-256, verified, and stored on disk, so that it is fetched once and needs no
// network afterwards.
package modulefetch

import (
	"errors"
	"net/url"
	"strings"

	"oras.land/oras-go/v2/registry"
)

// Source is the location of a module: a file, an https URL or an artifact in an OCI registry. The
// zero value is no location.
type Source struct {
	file string
	url  *url.URL
	oci  registry.Reference
}

var (
	errURL       = errors.New("this is not a URL such as https://example.com/name.wasm")
	errReference = errors.New("this is not a reference such as oci://registry.example.com/name:tag or …/name@sha256:…")
)

// Parse parses a source: `https://…`, `oci://<registry>/<name>:<tag>`, `oci://…@sha256:<hex>`, or a
// file, which has no scheme. Its errors repeat nothing of s, which may contain credentials.
func Parse(s string) (Source, error) {
	scheme, rest, found := strings.Cut(s, "://")
	if !found {
		return Source{file: s}, nil
	}
	switch strings.ToLower(scheme) {
	case "https":
		u, err := url.Parse(s)
		if err != nil || u.Hostname() == "" || u.Fragment != "" {
			return Source{}, errURL
		}
		return Source{url: u}, nil
	case "oci":
		ref, err := registry.ParseReference(rest)
		if err != nil || ref.Reference == "" {
			return Source{}, errReference
		}
		return Source{oci: ref}, nil
	case "http":
		return Source{}, errors.New("modules are not fetched over plain http: use https")
	}
	return Source{}, errors.New("unknown scheme: a module is a file, or comes from https:// or oci://")
}

// Remote reports whether the module has to be fetched.
func (src Source) Remote() bool { return src.file == "" }

// String returns the source without the credentials and the query of a URL, which may be a
// signature.
func (src Source) String() string {
	switch {
	case src.url != nil:
		return (&url.URL{Scheme: "https", Host: src.url.Host, Path: src.url.Path, RawPath: src.url.RawPath}).String()
	case src.oci.Registry != "":
		return "oci://" + src.oci.String()
	}
	return src.file
}
