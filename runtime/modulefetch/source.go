// Package modulefetch brings the modules of nodes here from where they are published: https servers
// and OCI registries. What is fetched is named by its SHA-256, checked, and stored on disk, so that
// it is fetched once and needs no network afterwards.
package modulefetch

import (
	"errors"
	"net/url"
	"strings"

	"oras.land/oras-go/v2/registry"
)

// Source is where a module comes from: a file, an https URL or an artifact in an OCI registry. The
// zero value is none.
type Source struct {
	file string
	url  *url.URL
	oci  registry.Reference
}

var (
	errURL       = errors.New("this is not a URL such as https://example.com/name.wasm")
	errReference = errors.New("this is not a reference such as oci://registry.example.com/name:tag or …/name@sha256:…")
)

// Parse reads an origin: `https://…`, `oci://<registry>/<name>:<tag>` or `…@sha256:<hex>`; what has
// no scheme is a file. Its errors repeat nothing of s, which may hold credentials.
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

// Remote tells whether the module has to be fetched.
func (o Source) Remote() bool { return o.file == "" }

// String is the origin for people: without the credentials and the query of a URL, which may be a
// signature.
func (o Source) String() string {
	switch {
	case o.url != nil:
		return (&url.URL{Scheme: "https", Host: o.url.Host, Path: o.url.Path, RawPath: o.url.RawPath}).String()
	case o.oci.Registry != "":
		return "oci://" + o.oci.String()
	}
	return o.file
}
