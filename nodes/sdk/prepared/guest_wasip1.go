//go:build wasip1

package prepared

import (
	"bytes"
	"runtime"
	"unsafe"

	"github.com/flowtrux/edge/nodes/sdk"
)

//go:wasmexport prepare
func exportPrepare(ptr unsafe.Pointer, n uint32) uint64 {
	// The prepared value may be a part of the fixed config, whose buffer calls reuse.
	packed := sdk.Invoke(exported, bytes.Clone(unsafe.Slice((*byte)(ptr), n)))
	runtime.GC() // calls begin with a heap without garbage, as after a warm-up
	return packed
}
