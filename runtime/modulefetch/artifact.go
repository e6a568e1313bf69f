package modulefetch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
)

// layerType is the media type of a layer with a module:
// https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/
const layerType = "application/wasm"

const maxManifest = 1 << 20 // bytes

// openArtifact requests the layer of an artifact that has the module. It uses the credentials in
// Docker's config file, if there are any.
func openArtifact(ctx context.Context, client *http.Client, ref registry.Reference, d Digest) (io.ReadCloser, int64, error) {
	credential, err := dockerCredential()
	if err != nil {
		return nil, 0, err
	}
	repo := &remote.Repository{Reference: ref, Client: &auth.Client{
		Client: client, Credential: credential, Cache: auth.NewCache(), Header: http.Header{"User-Agent": {userAgent}},
	}}
	manifest, err := readManifest(ctx, repo)
	if err != nil {
		return nil, 0, err
	}
	layer, err := moduleLayer(manifest.Layers, d)
	if err != nil {
		return nil, 0, err
	}
	body, err := repo.Blobs().Fetch(ctx, layer)
	if err != nil {
		return nil, 0, err
	}
	return body, layer.Size, nil
}

// dockerCredential looks up credentials as Docker does: in $DOCKER_CONFIG/config.json or
// ~/.docker/config.json and the helpers that these files name. Without such a file, or without a
// home directory, there are none.
func dockerCredential() (auth.CredentialFunc, error) {
	if _, err := os.UserHomeDir(); err != nil && os.Getenv("DOCKER_CONFIG") == "" {
		return nil, nil
	}
	store, err := credentials.NewStoreFromDocker(credentials.StoreOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading Docker's config file: %w", err)
	}
	return credentials.Credential(store), nil
}

func readManifest(ctx context.Context, repo *remote.Repository) (*ocispec.Manifest, error) {
	desc, body, err := repo.Manifests().FetchReference(ctx, repo.Reference.Reference)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	if desc.Size > maxManifest {
		return nil, fmt.Errorf("its manifest is over %d bytes", maxManifest)
	}
	if desc.MediaType != ocispec.MediaTypeImageManifest {
		return nil, fmt.Errorf("it is not a single artifact with a manifest of type %s: name one by its digest", ocispec.MediaTypeImageManifest)
	}
	b, err := content.ReadAll(body, desc)
	if err != nil {
		return nil, err
	}
	m := new(ocispec.Manifest)
	if err := json.Unmarshal(b, m); err != nil {
		return nil, errors.New("its manifest is malformed")
	}
	return m, nil
}

// moduleLayer finds the layer with the module. A layer's digest is that of its bytes.
func moduleLayer(layers []ocispec.Descriptor, d Digest) (ocispec.Descriptor, error) {
	var other string
	for _, l := range layers {
		if l.MediaType != layerType || l.Digest.Validate() != nil {
			continue
		}
		if other = l.Digest.String(); other == "sha256:"+d.String() {
			return l, nil
		}
	}
	if other == "" {
		return ocispec.Descriptor{}, fmt.Errorf("none of its %d layers has the media type of a module, %s", len(layers), layerType)
	}
	return ocispec.Descriptor{}, fmt.Errorf("it is not the configured module: its digest is %s", other)
}
