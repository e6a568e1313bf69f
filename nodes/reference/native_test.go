package reference

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/flowtrux/edge/nodes/abi"
)

// native is the C sources of the nodes, compiled for this machine with the sanitizers of clang for
// addresses and undefined behavior, as a process: see testdata/native.c.
type native struct {
	in  io.Writer
	out io.Reader
	cmd *exec.Cmd
	err bytes.Buffer // what a sanitizer has found; to be read when the process has ended

	ended sync.Once
}

// nativeRuns reports whether native can run: the addresses of the ABI have 32 bits.
const nativeRuns = runtime.GOOS == "linux" && runtime.GOARCH == "amd64"

func startNative(t fataler) *native {
	t.Helper()
	n, err := nativeProcess()
	if err != nil {
		t.Fatalf("%v", err)
	}
	return n
}

// nativeProcess compiles the sources and starts them, once for a process of tests.
var nativeProcess = sync.OnceValues(func() (*native, error) {
	dir, err := os.MkdirTemp("", "native-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	sources := []string{"testdata/native.c"}
	for _, pattern := range []string{"../builtin/*.c", "../builtin/*/*.c"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			return nil, err
		}
		sources = append(sources, files...)
	}
	program := filepath.Join(dir, "native")
	compile := exec.Command("clang-19", append([]string{
		"-std=gnu23", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-pie", "-no-pie",
		"-Wall", "-Wextra", "-Werror", "-I../builtin", "-include", "testdata/native.h", "-o", program,
	}, sources...)...)
	if out, err := compile.CombinedOutput(); err != nil {
		return nil, errors.Join(err, errors.New(string(out)))
	}
	cmd := exec.Command(program)
	n := &native{cmd: cmd}
	cmd.Stderr = &n.err
	if n.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	n.out = bufio.NewReader(out)
	return n, cmd.Start() // it ends with this process, which closes its input
})

// call is a subject.
func (n *native) call(t fataler, typ int, config, reply []byte) (r result, ok bool) {
	var b []byte
	b = binary.LittleEndian.AppendUint32(b, uint32(typ))
	for _, text := range [][]byte{config, reply} {
		b = append(binary.LittleEndian.AppendUint32(b, uint32(len(text))), text...)
	}
	if _, err := n.in.Write(b); err != nil {
		t.Fatalf("%s: %v\n%s", config, err, n.found())
	}
	read := func(size uint32) []byte {
		b := make([]byte, size)
		if _, err := io.ReadFull(n.out, b); err != nil {
			t.Fatalf("%s: %v\n%s", config, err, n.found())
		}
		return b
	}
	text := func() string { return string(read(binary.LittleEndian.Uint32(read(4)))) }
	r.kind = abi.Kind(read(1)[0])
	r.payload, r.request, r.global = text(), text(), text()
	return r, true
}

// found returns what a sanitizer has found, after the process has closed its output.
func (n *native) found() string {
	n.ended.Do(func() { _ = n.cmd.Wait() }) // what it has printed says more
	return n.err.String()
}

// fataler is a test, of package testing or rapid.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}
