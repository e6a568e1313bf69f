package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// FamilyConfig configures LoadFamily.
type FamilyConfig struct {
	Source string // file or name, for messages
	Wasm   []byte // as in ModuleConfig
	// Limits are those of the file's node types. Memory and NoSnapshot are also those of the file,
	// whose instances all of its types share.
	Limits Limits
	// Grants are those of the types that Types does not list.
	Grants hostapi.Grants
	Types  []TypeConfig
	// Undescribed is the node type of a file that does not describe itself; "" = such a file is
	// rejected.
	Undescribed string
}

// TypeConfig has the settings of one node type of a family.
type TypeConfig struct {
	Offered string // its name in the file
	Type    string // the node type, for messages; "" = Offered
	Grants  hostapi.Grants
	// Limits are those of its calls. Zero fields are as in the family's. Memory is at most that of
	// the family, and NoSnapshot is not used.
	Limits Limits
}

// LoadFamily loads a file with any number of node types and returns a module for each, in the
// order of the file. The modules share the file's code, snapshot and instances, which are released
// when the last of them is closed. The error is as that of Load.
func (h *Host) LoadFamily(ctx context.Context, c FamilyConfig) ([]*Module, error) {
	return h.loadFile(ctx, fileConfig{c.Source, c.Undescribed, c.Wasm, c.Limits}, func(f *file, reject rejection) ([]typeChoice, error) {
		if !f.described && c.Undescribed == "" {
			return nil, &LoadError{c.Source, abi.ExportDescribe, "it does not describe its node types", ErrUndescribed}
		}
		chosen := make([]typeChoice, len(f.offers))
		for i, o := range f.offers {
			chosen[i] = typeChoice{i, TypeConfig{Offered: o.name, Type: o.name, Grants: c.Grants}}
		}
		for i, t := range c.Types {
			at := f.offered(t.Offered)
			switch {
			case at < 0:
				return nil, reject(abi.ExportDescribe, "it offers no node type %q; it offers %s", t.Offered, f.names())
			case slices.ContainsFunc(c.Types[:i], func(o TypeConfig) bool { return o.Offered == t.Offered }):
				return nil, reject(abi.ExportDescribe, "node type %q is configured twice", t.Offered)
			// the file's are whole pages by now
			case min(t.Limits.Memory, maxMemory)/wasmPage > f.limits.Memory/wasmPage:
				return nil, reject("memory", "%d bytes for the node type %q are over the %d of the file", t.Limits.Memory, t.Offered, f.limits.Memory)
			}
			if t.Type == "" {
				t.Type = t.Offered
			}
			chosen[at].config = t
		}
		return chosen, nil
	})
}

// typeChoice is a node type of a file for which a module is made.
type typeChoice struct {
	index  int // in the file's offers
	config TypeConfig
}

// offer is a node type that a file offers, with its manifest.
type offer struct {
	name     string
	manifest []byte
	asks     asks
}

// asks is what the sandbox reads of a manifest.
type asks struct {
	ABI          int                  `json:"abi"`
	Type         string               `json:"type"`
	Capabilities []hostapi.Capability `json:"capabilities"`
	Optional     []hostapi.Capability `json:"optional"`
	Handles      []string             `json:"handles"`
	Fixed        []string             `json:"fixed"`
}

// offered returns the index of the node type with this name, or -1.
func (f *file) offered(name string) int {
	return slices.IndexFunc(f.offers, func(o offer) bool { return o.name == name })
}

// names lists the file's node types.
func (f *file) names() string {
	names := make([]string, len(f.offers))
	for i, o := range f.offers {
		names[i] = o.name
	}
	return strings.Join(names, ", ")
}

// readOffers reads the result of describe: a manifest, or the list of a family.
func (f *file) readOffers(described []byte, reject rejection) error {
	if rawjson.KindOf(described) != rawjson.Array {
		o, err := readOffer(described)
		if err != nil {
			return reject(abi.ExportDescribe, "its manifest is invalid: %v", err)
		}
		f.offers = []offer{o}
		return o.checkCapabilities("", reject)
	}
	f.family = true
	var manifests [][]byte
	rawjson.Elements(described, func(m []byte) bool {
		manifests = append(manifests, m)
		return true
	})
	switch n := len(manifests); {
	case n == 0:
		return reject(abi.ExportDescribe, "it offers no node type")
	case n > abi.MaxTypes:
		return reject(abi.ExportDescribe, "it offers %d node types; a file can offer %d", n, abi.MaxTypes)
	}
	for i, m := range manifests {
		o, err := readOffer(m)
		switch {
		case err != nil:
			return reject(abi.ExportDescribe, "manifest %d of %d is invalid: %v", i+1, len(manifests), err)
		case !abi.ValidTypeName(o.name):
			return reject(abi.ExportDescribe, "manifest %d of %d: %.80q cannot be the name of a node type: it takes 1 to %d lower-case letters, digits and hyphens, a letter first",
				i+1, len(manifests), o.name, abi.MaxTypeName)
		case f.offered(o.name) >= 0:
			return reject(abi.ExportDescribe, "it offers the node type %q twice; rename one of them in the module", o.name)
		}
		if err := o.checkCapabilities(fmt.Sprintf("node type %q: ", o.name), reject); err != nil {
			return err
		}
		f.offers = append(f.offers, o)
	}
	return nil
}

func readOffer(manifest []byte) (o offer, err error) {
	if rawjson.KindOf(manifest) != rawjson.Object {
		return offer{}, fmt.Errorf("%.40s is not an object", manifest)
	}
	o.manifest = manifest
	err = json.Unmarshal(manifest, &o.asks)
	o.name = o.asks.Type
	return o, err
}

// checkCapabilities checks what a manifest says of the ABI and asks for. of begins the messages.
func (o *offer) checkCapabilities(of string, reject rejection) error {
	if o.asks.ABI != abi.Version {
		return reject(abi.ExportDescribe, "%sit speaks version %d of the node ABI, this is version %d", of, o.asks.ABI, abi.Version)
	}
	for _, want := range slices.Concat(o.asks.Capabilities, o.asks.Optional) {
		if !slices.Contains(hostapi.Capabilities(), want) {
			return reject("capabilities", "%s%q is unknown; known are %s", of, want, listed(hostapi.Capabilities()))
		}
	}
	return nil
}
