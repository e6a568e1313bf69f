package executor

import (
	"testing"
	"unsafe"
)

// TestExecutionIsSmall checks that an execution does not need a place of 1 KB. There is one for
// each request, and how often garbage is collected follows from the bytes of a request.
func TestExecutionIsSmall(t *testing.T) {
	// The allocator has places of 896 bytes, and puts a word of its own before large objects.
	const most = 896 - 8
	if size := unsafe.Sizeof(execution{}); size > most {
		t.Errorf("an execution has %d bytes, more than %d", size, most)
	}
}
