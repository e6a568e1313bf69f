package flow

// Meter is told of the work that resolving takes, in bytes that are read or written, every 64 KiB
// or so; what takes more than that in one piece is told before it is done. An error ends the
// resolving with it. An implementation that looks at the clock bounds the time of templates that
// way.
type Meter interface {
	Work(bytes int) error
}

// lookEvery is how much work is done between two calls of a Meter, in bytes.
const lookEvery = 64 << 10

// work is what is done for a meter.
type work struct {
	meter Meter // nil = nobody is told
	open  int   // bytes that it was not told of
}

// add counts n bytes.
func (w *work) add(n int) error {
	if w.open += n; w.open < lookEvery {
		return nil
	}
	return w.tell()
}

// tell tells the meter. It is apart so that add is inlined.
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
