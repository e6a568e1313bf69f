package flow

// Meter measures the work of resolving templates, in bytes read or written. It is called about
// every 64 KiB, and before any single step that takes more. An error stops the resolving, and is
// its error. An implementation that checks the clock limits the time of templates.
type Meter interface {
	Work(bytes int) error
}

// lookEvery is the work between two calls of a Meter, in bytes.
const lookEvery = 64 << 10

// work counts work for a meter.
type work struct {
	meter Meter // nil = none
	open  int   // bytes not yet reported
}

// add counts n bytes.
func (w *work) add(n int) error {
	if w.open += n; w.open < lookEvery {
		return nil
	}
	return w.tell()
}

// tell reports the work to the meter. It is a function of its own so that add is inlined.
//
//go:noinline
func (w *work) tell() error {
	n := w.open
	w.open = 0
	if w.meter == nil {
		return nil
	}
	return w.meter.Work(n)
}
