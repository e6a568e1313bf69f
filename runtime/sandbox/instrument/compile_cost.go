package instrument

import (
	"fmt"
	"strconv"
)

// Work is the estimated work of compiling a module. The estimate errs on the high side where the
// compiler is not linear, so that a module within its bound compiles in about the time and memory
// that is usual for its size.
type Work struct {
	Steps float64 // about a nanosecond each, on a machine of 2025
	Bytes float64 // of memory at a time
}

// Bounds on the work of a module. The output of compilers stays below them by a factor of 8 or
// more.
const (
	stepsOfMiB     = 3e9 // for the first MiB of a module or a part of it
	stepsOfMoreMiB = 4e9 // for each further MiB
	bytesOfMiB     = 320e6
	bytesOfMoreMiB = 160e6
)

// bound returns the maximum work of a module of size bytes without its custom sections.
func bound(size int) Work {
	more := max(float64(size)/(1<<20)-1, 0)
	return Work{Steps: stepsOfMiB + stepsOfMoreMiB*more, Bytes: bytesOfMiB + bytesOfMoreMiB*more}
}

// stepsPerByte is the work of allocating a byte of memory and scanning it.
const stepsPerByte = 0.35

// workKind is a property of a function that makes the compiler work.
type workKind int

const (
	instructions workKind = iota
	heavy                 // bytes for instructions that become many machine instructions
	blocks                // basic blocks
	siblings              // for each branch, earlier branches to the same target: they are scanned
	depths                // for each edge, the depth of its block in the dominator tree
	lookups               // blocks that are searched for the value of a variable
	alive                 // for each edge, the values that are live behind it
	addresses             // for each block, the checked addresses on the way: they are copied
	values                // that calls pass, and that branches and blocks carry
	reloads               // of mutable globals after each call
	parameters            // of blocks: variables that can have several values there
	passes                // for each block with parameters, how often they are scanned
	// scanned for each function: types, globals, the state of a large function
	surroundings
	variables // of all functions, each emitted separately

	workKinds
)

// weights are the costs of each kind of work. They were measured on wazero 1.12.0 with the
// generators in bombs_test.go.
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
	surroundings: {3, 0, "the number of functions with these types, globals, imports or a large function"},
	variables:    {5, 0, "the variables of all functions"},
}

// Bytes for instructions that become many machine instructions.
const (
	heavyAccess = 4500    // to memory or a table, with its check
	heavyPlain  = 600     // a plain numeric instruction
	heavyNumber = 6 << 10 // a division, a conversion that can trap, and the like
	heavyCall   = 12 << 10
	heavyBulk   = 32 << 10
	passed      = 10 // surroundings for a parameter or result of a function
	typeBytes   = 8  // per variable of a function, retained until all functions are compiled
)

// workCounts counts each kind of work.
type workCounts [workKinds]float64

// work returns the total work of a function, and the kinds that take most steps and bytes.
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

// addWork adds the work of compiling a function with this many variables to the module's. It
// returns an error with the reason if that exceeds the bound.
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

// addReferenceWork adds the work for references. They are added globals, which the compiler scans
// for each function.
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
