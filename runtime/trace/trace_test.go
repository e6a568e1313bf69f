package trace

import "testing"

// TestHostCallsAreBounded checks that the host calls of a call are stored up to a bound. The last
// stored one then has no request.
func TestHostCallsAreBounded(t *testing.T) {
	var trace Trace
	var h Host
	for range maxHostBytes {
		h.Add(&trace, HostCall{Function: "http", Request: []byte("1"), RequestSize: 1}, nil)
	}
	if n := len(h.Calls); n != maxHostBytes/hostCallSize+1 || h.Calls[n-1].Request != nil {
		t.Errorf("%d calls of the host are remembered", n)
	}
}
