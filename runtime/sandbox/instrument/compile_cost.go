package instrument

import (
	"fmt"
	"strconv"
)

// Work is what compiling takes, as it is estimated from how a module's functions are made. It is on
// the safe side where the compiler is not linear, so that a module within its bound is compiled in
// about the time and memory of one of its size.
type Work struct {
	Steps float64 // about a nanosecond each, on a machine of 2025
	Bytes float64 // of memory at a time
}

// Bounds of the work of a module. Programs of compilers are a factor of 8 and more below them.
const (
	stepsOfMiB     = 3e9 // for the first MiB of a module, or less
	stepsOfMoreMiB = 4e9 // for each MiB more
	bytesOfMiB     = 320e6
	bytesOfMoreMiB = 160e6
)

// bound is the most work of a module of so many bytes, without its custom sections.
func bound(size int) Work {
	more := max(float64(size)/(1<<20)-1, 0)
	return Work{Steps: stepsOfMiB + stepsOfMoreMiB*more, Bytes: bytesOfMiB + bytesOfMoreMiB*more}
}

// stepsPerByte is what it takes to make a byte of memory and to go through it.
const stepsPerByte = 0.35

// workKind is something that makes the compiler work.
type workKind int

const (
	instructions workKind = iota
	heavy                 // bytes that some instructions take which become many of the machine's
	blocks                // of the compiler: they end where there is a branch or something to branch to
	siblings              // for each branch, those before it to the same place: they are gone through
	// for each edge, how deep its block is in the tree of dominators, which is gone up
	depths
	lookups      // blocks in which the value of a variable is looked for
	alive        // for each edge, the values that are needed behind it
	addresses    // for each block, the addresses that are checked on the way, which are copied
	values       // that calls pass, and branches and blocks carry
	reloads      // of globals that can change, after each call
	parameters   // of blocks: variables that can have several values there
	passes       // for each block with parameters, how often they are gone through
	surroundings // what each function goes through: types, globals, what a large one has left
	variables    // of all functions, which are written out one by one

	workKinds
)

// weights say what each costs. They are measured on wazero 1.12.0 with the generators in
// bombs_test.go.
var weights = [workKinds]struct {
	steps, bytes float64 // steps beyond those for its bytes
	what         string  // for the module's author
}{
	instructions: {0, 100, "its length"},
	heavy:        {0, 1, "its instructions"},
	blocks:       {0, 2500, "its branches"},
	siblings:     {2, 0, "branches to the same place"},
	depths:       {7, 0, "branches behind each other"},
	lookups:      {7, 0, "variables that are read behind many branches"},
	alive:        {60, 28, "values that are kept across branches"},
	addresses:    {10, 26, "addresses that are used across branches"},
	values:       {300, 400, "parameters and results"},
	reloads:      {0, 170, "globals that are read again after each call"},
	parameters:   {0, 60, "variables at branches and loops"},
	passes:       {1, 0, "variables and values at branches and loops"},
	surroundings: {3, 0, "so many functions beside types, globals, imports or a large one"},
	variables:    {5, 0, "the variables of all functions"},
}

// Bytes that instructions take which become many of the machine's.
const (
	heavyAccess = 4500    // to memory or a table, with its check
	heavyPlain  = 600     // what gives a number
	heavyNumber = 6 << 10 // a division, a conversion that can trap, and the like
	heavyCall   = 12 << 10
	heavyBulk   = 32 << 10
	passed      = 10 // surroundings that a parameter or result of a function comes to
	typeBytes   = 8  // of a variable of a function, which stay until all are compiled
)

// workCounts is how much there is of each kind.
type workCounts [workKinds]float64

// work adds up what a function takes, and says what takes most steps and bytes.
func (c *workCounts) work() (w Work, mostSteps, mostBytes workKind) {
	var most Work
	for k, n := range c {
		bytes := n * weights[k].bytes
		steps := n*weights[k].steps + bytes*stepsPerByte
		w.Steps += steps
		w.Bytes += bytes
		if steps > most.Steps {
			most.Steps, mostSteps = steps, workKind(k)
		}
		if bytes > most.Bytes {
			most.Bytes, mostBytes = bytes, workKind(k)
		}
	}
	return w, mostSteps, mostBytes
}

// addWork adds what compiling a function with so many variables takes to what those before it take.
// It says why that is too much.
func (m *module) addWork(f *controlFlow, locals uint32) error {
	f.end()
	m.largest = max(m.largest, 1.5*f.counts[blocks]+0.1*float64(f.distinct))
	f.counts[surroundings] += float64(2*len(m.types)+len(m.globals)+m.imports) + m.largest
	f.counts[variables] = float64(locals)
	m.locals += typeBytes * float64(locals)

	w, mostSteps, mostBytes := f.counts.work()
	m.work.Steps += w.Steps
	m.work.Bytes = max(m.work.Bytes, w.Bytes+m.locals)
	switch {
	case m.work.Bytes > m.bound.Bytes:
		if m.locals > w.Bytes {
			mostBytes = variables
		}
		return fmt.Errorf("compiling it takes about %s MB of memory, most of it for %s; "+
			"the bound for a module of this size is %s MB",
			millions(m.work.Bytes), weights[mostBytes].what, millions(m.bound.Bytes))
	case m.work.Steps > m.bound.Steps:
		return fmt.Errorf("compiling the module up to it takes about %s million steps, "+
			"most of its own for %s; the bound for a module of this size is %s million",
			millions(m.work.Steps), weights[mostSteps].what, millions(m.bound.Steps))
	}
	return nil
}

// addReferenceWork adds what references take, which are globals that are added: each function goes
// through them.
func (m *module) addReferenceWork() error {
	m.work.Steps += float64(m.bodyCount) * float64(len(m.references)) * weights[surroundings].steps
	if m.work.Steps <= m.bound.Steps {
		return nil
	}
	return sectionError(sectionCode, fmt.Errorf("compiling it takes about %[3]s million steps, "+
		"most of them for references to %[1]d of its %[2]d functions; "+
		"the bound for a module of this size is %[4]s million",
		len(m.references), m.bodyCount, millions(m.work.Steps), millions(m.bound.Steps)))
}

func millions(n float64) string { return strconv.FormatFloat(n/1e6, 'f', 0, 64) }
