package reference

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/flowtrux/edge/internal/compiled"
	"github.com/flowtrux/edge/nodes"
	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/nodes/sdk"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// modules are the nodes as they are shipped, in the sandbox.
type modules []*sandbox.Module

func startModules(t fataler) modules {
	t.Helper()
	m, err := loadModules()
	if err != nil {
		t.Fatalf("%v", err)
	}
	return m
}

// loaded is what TestMain closes.
var loaded struct {
	host    *sandbox.Host
	modules modules
}

func TestMain(m *testing.M) {
	code := m.Run()
	if err := closeModules(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func closeModules(ctx context.Context) (err error) {
	for _, m := range loaded.modules {
		err = errors.Join(err, m.Close(ctx))
	}
	if loaded.host != nil {
		err = errors.Join(err, loaded.host.Close(ctx))
	}
	return err
}

// loadModules loads the file once for a process of tests.
var loadModules = sync.OnceValues(func() (_ modules, err error) {
	dir, err := compiled.Dir()
	if err != nil {
		return nil, err
	}
	if loaded.host, err = sandbox.New(sandbox.Options{CacheDir: dir}); err != nil {
		return nil, err
	}
	for _, typ := range types {
		file, _, ok := nodes.Find(typ.name)
		if !ok {
			return nil, fmt.Errorf("there is no built-in node %s", typ.name)
		}
		m, err := loaded.host.Load(context.Background(), sandbox.ModuleConfig{
			Type: typ.name, Source: file.Name, Wasm: file.Wasm, Offered: typ.name, Grants: hostapi.Grants{HTTP: true, Globals: true},
		})
		if err != nil {
			return nil, err
		}
		loaded.modules = append(loaded.modules, m)
	}
	return loaded.modules, nil
})

// call is a subject.
func (m modules) call(t fataler, typ int, config, reply []byte) (r result, ok bool) {
	outside := &outside{host: host{reply: reply}}
	s := &hostapi.Session{Grants: m[typ].Grants(), HTTP: outside, Globals: outside, MaxOutput: 64 << 20}
	out, err := m[typ].Call(context.Background(), s, config, nil)
	if failed := (*sandbox.Error)(nil); errors.As(err, &failed) && failed.Code == sandbox.CodeBadAnswer {
		return r, false
	}
	if err != nil {
		t.Fatalf("%s: %v", config, err)
	}
	r = outside.result
	r.kind, r.payload = out.Kind, string(out.Output)
	if out.Kind != abi.Output {
		r.payload = string(append(abi.AppendLabel(nil, out.Label), out.Output...))
	}
	return r, true
}

// outside is a host as the sandbox wants it.
type outside struct{ host }

func (o *outside) Do(_ context.Context, request []byte, _ hostapi.HTTPOptions, dst []byte) ([]byte, error) {
	response, err := o.HTTP(request)
	return append(dst, response...), failure(err)
}

func (o *outside) SetGlobal(_ context.Context, key string, value []byte) error {
	return failure(o.host.SetGlobal(key, value))
}

func (o *outside) AddGlobal(context.Context, string, int64) ([]byte, error) { return nil, errNoNode }

func (o *outside) GetGlobal(string) ([]byte, error) { return nil, errNoNode }

// errNoNode is the error of what none of the nodes does.
var errNoNode = errors.New("no node does this")

// failure returns an error of a host as the sandbox wants it.
func failure(err error) error {
	if e, ok := errors.AsType[*sdk.Error](err); ok {
		return &hostapi.Failure{Code: e.Code, Message: e.Message, Fatal: e.Fatal}
	}
	return err
}
