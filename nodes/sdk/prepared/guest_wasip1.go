//go:build wasip1

package prepared

import (
	"bytes"
	"runtime"
	"unsafe"

	"github.com/flowtrux/edge/nodes/sdk"
)

//go:wasmexport prepare
func exportPrepare(ptr unsafe.Pointer, n uint32) uint64 { return exportPrepareType(0, ptr, n) }

//go:wasmexport prepare_type
func exportPrepareType(typ uint32, ptr unsafe.Pointer, n uint32) uint64 {
	// The prepared value may be a part of the fixed config, whose buffer calls reuse.
	preparing = true
	packed := sdk.Invoke(typ, bytes.Clone(unsafe.Slice((*byte)(ptr), n)))
	if preparing {
		panic("prepared: the Run of a node with fixed keys is not that of Func")
	}
	runtime.GC() // calls begin with a heap without garbage, as after a warm-up
	return packed
}
