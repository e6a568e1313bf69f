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
	// What is prepared may be a part of what is fixed, whose buffer calls use again.
	packed := sdk.Answer(exported, bytes.Clone(unsafe.Slice((*byte)(ptr), n)))
	runtime.GC() // calls begin with a heap without garbage, as after a warm-up
	return packed
}
