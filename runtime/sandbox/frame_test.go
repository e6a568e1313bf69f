package sandbox

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

func TestFrameRefusesWhatClaimsMoreThanThereIs(t *testing.T) {
	head := []byte(moduleHead)
	billion := []byte{0xff, 0xff, 0xff, 0xff, 0x0f}
	locals := node(answer(abi.Output, dataAt, 1))
	locals.funcs[1].locals = slices.Concat([]byte{1}, leb(50_001), []byte{tI32})
	tables := says(abi.Output, "1")
	for range maxTables + 1 {
		tables.tables = append(tables.tables, []byte{0x70, 0, 0})
	}
	huge := says(abi.Output, "1")
	huge.tables = [][]byte{slices.Concat([]byte{0x70, 0}, leb(maxTable+1))}
	for name, c := range map[string]struct {
		wasm []byte
		want string
	}{
		"section beyond the end": {slices.Concat(head, []byte{1, 9, 0}), "section 1: " + errCut.Error()},
		"size cut":               {slices.Concat(head, []byte{1, 0x80}), "section 1: " + errCut.Error()},
		"size of 6 bytes":        {slices.Concat(head, []byte{1, 0x80, 0x80, 0x80, 0x80, 0x80, 0}), "section 1: " + errCut.Error()},
		"size over 32 bits":      {slices.Concat(head, []byte{1, 0xff, 0xff, 0xff, 0xff, 0x7f}), "section 1: " + errCut.Error()},
		"types":                  {slices.Concat(head, section(1, billion)), "section 1: " + errCut.Error()},
		"parameters":             {slices.Concat(head, section(1, slices.Concat([]byte{1, 0x60}, billion))), "section 1: " + errCut.Error()},
		"type of another kind":   {slices.Concat(head, section(1, []byte{1, 0x5f})), "section 1: " + errShape.Error()},
		"imports":                {slices.Concat(head, section(2, billion)), errCut.Error()},
		"import's name":          {slices.Concat(head, section(2, slices.Concat([]byte{1}, billion))), errCut.Error()},
		"functions":              {slices.Concat(head, section(3, billion)), "section 3: " + errCut.Error()},
		"globals":                {slices.Concat(head, section(6, billion)), "section 6: " + errCut.Error()},
		"export's name":          {slices.Concat(head, section(7, slices.Concat([]byte{1}, billion))), "section 7: " + errCut.Error()},
		"elements":               {slices.Concat(head, section(9, slices.Concat([]byte{1, 5, 0x70}, billion))), "section 9: " + errCut.Error()},
		"function":               {slices.Concat(head, section(10, slices.Concat([]byte{1}, billion))), "section 10: " + errCut.Error()},
		"data":                   {slices.Concat(head, section(11, slices.Concat([]byte{1, 1}, billion))), "section 11: " + errCut.Error()},
		"variables":              {locals.bytes(), "section 10: a function with 50001 variables has more than 50000"},
		"tables":                 {tables.bytes(), "section 4: 9 tables are more than 8"},
		"table":                  {huge.bytes(), "section 4: a table of 262145 elements is larger than 262144"},
	} {
		if _, _, err := frame(c.wasm); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestTablesCannotGrowPastTheirBound(t *testing.T) {
	h := newHost(t)
	// run answers {"0":?} with the digit 1 when table.grow was refused: '0' - result.
	g := says(abi.Output, "0")
	g.tables = [][]byte{{0x70, 0, 1}}
	g.funcs[1] = run(i32c(dataAt), i32c('0'), tableGrow(maxTable), []byte{0x6b}, store8, answer(abi.Output, dataAt, 1))
	m := load(t, h, g.bytes(), small, hostapi.Grants{})
	r, err := m.Call(t.Context(), new(hostapi.Session), nil, nil)
	if err != nil || string(r.Output) != "1" {
		t.Errorf("output %q, %v: the table grew", r.Output, err)
	}
}

func TestFrameKeepsNamesOfFunctionsOnly(t *testing.T) {
	functions := section(1, vec(slices.Concat([]byte{0}, text("allocate"))))
	variables := section(2, vec(slices.Concat([]byte{0}, vec(slices.Concat([]byte{0}, text("secret_variable"))))))
	for name, c := range map[string]struct {
		custom []byte
		want   bool
	}{
		"names":        {slices.Concat(text("name"), variables, functions), true},
		"too many":     {slices.Concat(text("name"), section(1, []byte{0xff, 0xff, 0x03})), false},
		"debug":        {slices.Concat(text(".debug_info"), []byte("secret_variable")), false},
		"without name": {nil, false},
		"cut":          {[]byte{9, 'n'}, false},
	} {
		g := says(abi.Output, "1")
		g.custom = c.custom
		framed, _, err := frame(g.bytes())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if bytes.Contains(framed, []byte("secret_variable")) {
			t.Errorf("%s: what is not needed is still there", name)
		}
		if got := bytes.Contains(framed, []byte("allocate")); got != c.want {
			t.Errorf("%s: names kept: %v", name, got)
		}
	}
}

// What compilers make must pass, and mean the same.
func TestFrameTakesTheBuiltInNodes(t *testing.T) {
	files, err := filepath.Glob("../../nodes/dist/*.wasm")
	if err != nil || len(files) == 0 {
		t.Fatal("no modules:", err)
	}
	for _, file := range files {
		wasm, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		framed, _, err := frame(wasm)
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		again, _, err := frame(framed)
		if err != nil || !bytes.Equal(again, framed) {
			t.Errorf("%s: framed twice it differs: %v", file, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	full := manifested(asking(`"log"`)).importing(abi.HostModule, "log", types(tI32, tI32, tI32), none).
		with(void("_initialize"), void("warmup"))
	full.tables = [][]byte{{0x70, 0, 1}}
	full.elements = slices.Concat([]byte{1, 0}, i32c(0), []byte{0x0b, 1, 1})
	full.globals = 2
	full.start = 4
	full.custom = slices.Concat(text("name"), section(1, vec(slices.Concat([]byte{1}, text("alloc")))))
	f.Add(full.bytes(), uint32(9), byte(0xff))
	f.Add(says(abi.Routed, "\x01a{}").bytes(), uint32(40), byte(0x80))
	f.Add([]byte(strings.Repeat(moduleHead, 2)), uint32(0), byte(0))
	f.Fuzz(func(t *testing.T, wasm []byte, at uint32, b byte) {
		if len(wasm) > 0 {
			wasm = bytes.Clone(wasm)
			wasm[at%uint32(len(wasm))] ^= b
		}
		h := newHost(t)
		h.trial = 20 * time.Millisecond
		l := Limits{Memory: 1 << 17, Timeout: 20 * time.Millisecond, Output: 1 << 10}
		m, err := h.Load(context.Background(), ModuleConfig{Source: "fuzz", Wasm: wasm, Limits: l, Grants: hostapi.Grants{Log: true}})
		if err != nil {
			return
		}
		_, _ = m.Call(context.Background(), new(hostapi.Session), binary.AppendUvarint(nil, uint64(at)), nil)
		if err := m.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}
