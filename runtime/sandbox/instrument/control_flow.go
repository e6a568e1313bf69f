package instrument

// controlFlow follows the control flow of a function as the compiler sees it, and counts what makes the
// compiler work. It goes through the instructions once and keeps only what is open, and what there
// is for each join and each variable.
//
// The compiler makes basic blocks. One that is entered from several others is a join here, and so
// is the head of a loop. The compiler looks for the value of a variable backwards, from the block
// that reads it to those before it, and gives each join on the way a parameter for it. So a
// variable costs something in each join between where it is set and where it is read.
//
// All of that is an upper bound: a variable may be found earlier, and a block may be nearer to the
// root of the tree of dominators.
type controlFlow struct {
	blocks []openBlock
	dead   int // 0 = the current code is reached; else 1, and 1 for each block opened since

	height   int // of the operand stack
	here     place
	reusable int // values of addresses that may be used again
	arms     int // that have begun, see frame
	touched  int // reads and writes of variables

	joins     []join
	variables []variable
	distinct  int // variables that are touched
	function  int // which one is followed, so that variables need not be cleared

	counts workCounts
}

// place is what is known of a basic block.
type place struct {
	depth int // in the tree of dominators
	chain int // blocks since the last join
	known int // addresses that are checked on the way to it
}

// openBlock is an open block of the module, or the function itself.
type openBlock struct {
	op              byte // opBlock, opLoop, opIf or opElse
	arm             int  // which piece of code it is; what comes after else is another one
	params, results int
	height          int   // of the operand stack below its parameters
	depth           int   // of the basic block that it begins in
	touched         int   // before it
	nest            int   // how deep loops nest in it
	label           label // where branches to it go
	head            int   // of a loop: its join
	other           place // of an if: where else begins
	then            int   // branches that come from before else
}

// label is where branches go.
type label struct {
	arity    int // values that a branch carries
	branches int
	chains   int   // blocks since the last join, of all branches
	from     place // of the branches: the least depth, the last chain, the least known
}

// join is a basic block that is entered from several others, or the head of a loop.
type join struct {
	label
	more    int // variables that are looked for in it, less those that are in the one before it
	changed int // at most so many of them can have several values; -1 = all
	nest    int // how deep loops nest in it
}

// variable is where a variable was touched, each place as the number of joins by then.
type variable struct {
	function int
	paid     int // it has been looked for in all joins before
	at       int // in the frame and its arm, it is known there, as long as they are open
	block    int
	arm      int
}

// begin begins a function with so many variables, parameters among them.
func (f *controlFlow) begin(variables uint32, t signature) {
	if more := int(variables) - len(f.variables); more > 0 {
		f.variables = append(f.variables, make([]variable, more)...)
	}
	whole := openBlock{op: opBlock, results: int(t.results), label: label{arity: int(t.results)}}
	*f = controlFlow{
		blocks: append(f.blocks[:0], whole), joins: append(f.joins[:0], join{changed: -1}),
		variables: f.variables, function: f.function + 1,
	}
	f.counts[blocks] = 1
	f.counts[surroundings] = passed * (float64(t.params) + float64(t.results))
}

// end counts what is known only at the end of a function.
func (f *controlFlow) end() {
	c, here := &f.counts, 0
	for _, j := range f.joins {
		here += j.more
		several := here
		if j.changed >= 0 {
			several = min(here, j.changed)
		}
		all, from := float64(several+j.arity), float64(j.branches)
		c[lookups] += float64(here) * float64(j.chains)
		c[parameters] += float64(several) * from
		c[passes] += all * all * from * float64(j.nest+2)
	}
	const context = 6 // values that are needed everywhere, such as where the memory is
	c[alive] += c[blocks] * float64(f.distinct+context)
}

func (f *controlFlow) top() *openBlock { return &f.blocks[len(f.blocks)-1] }

// change takes values off the operand stack and puts others on.
func (f *controlFlow) change(pops, pushes int) {
	if f.dead == 0 {
		f.height = max(f.height-pops+pushes, 0)
	}
}

// instruction counts an instruction, with what it takes besides.
func (f *controlFlow) instruction(bytes float64) {
	if f.dead == 0 {
		f.counts[instructions]++
		f.counts[heavy] += bytes
	}
}

// fallThrough begins a basic block that is entered from the current one alone.
func (f *controlFlow) fallThrough() {
	f.counts[depths] += float64(f.here.depth)
	f.here.chain++
	f.newBasicBlock()
}

// newBasicBlock begins a basic block.
func (f *controlFlow) newBasicBlock() {
	f.here.depth++
	f.counts[blocks]++
	f.counts[alive] += float64(f.height + f.reusable)
	f.counts[addresses] += float64(f.here.known)
}

// join begins a basic block that is entered from several others.
func (f *controlFlow) join(j join) {
	last := len(f.joins) - 1
	j.more = f.joins[last].more
	f.joins[last] = j
	f.joins = append(f.joins, join{})
	f.here.chain, f.reusable = 0, 0
	f.newBasicBlock()
}

// branch is a branch from a place to a label.
func (f *controlFlow) branch(from place, l *label) {
	f.counts[siblings] += float64(l.branches)
	f.counts[depths] += float64(from.depth)
	f.counts[values] += float64(l.arity)
	f.counts[alive] += float64(f.height + f.reusable)
	if l.branches == 0 {
		l.from = from
	}
	l.branches++
	l.chains += from.chain + 1
	l.from = place{min(l.from.depth, from.depth), from.chain, min(l.from.known, from.known)}
}

// branchTo is a branch to the nth frame from the inside. The compiler refuses a function when there is
// none.
func (f *controlFlow) branchTo(n uint32) {
	if f.dead == 0 && uint64(n) < uint64(len(f.blocks)) {
		f.branch(f.here, &f.blocks[len(f.blocks)-1-int(n)].label)
	}
}

// branchIf is a conditional jump.
func (f *controlFlow) branchIf(n uint32) {
	f.change(1, 0)
	if f.dead == 0 {
		f.branchTo(n)
		f.fallThrough()
	}
}

// tableEntry is one of a table of branches. Each is a basic block of its own.
func (f *controlFlow) tableEntry(n uint32) {
	if f.dead == 0 {
		table := f.here
		f.fallThrough()
		f.branchTo(n)
		f.here = table
	}
}

// unreachable ends code that what follows is not reached from.
func (f *controlFlow) unreachable() { f.dead = max(f.dead, 1) }

// functionReturn is a return.
func (f *controlFlow) functionReturn() {
	if f.dead == 0 {
		f.counts[values] += float64(f.blocks[0].results)
	}
	f.unreachable()
}

// beginBlock begins a block of the module, with so many parameters and results.
func (f *controlFlow) beginBlock(op byte, params, results int) {
	if op == opIf {
		f.change(1, 0)
	}
	if f.dead > 0 {
		f.dead++
		return
	}
	f.arms++
	n := openBlock{
		op: op, arm: f.arms, params: params, results: results, label: label{arity: results},
		height: max(f.height-params, 0), depth: f.here.depth, touched: f.touched,
	}
	f.counts[values] += float64(params + results)
	switch op {
	case opLoop:
		n.label.arity = params
		f.branch(f.here, &n.label)
		n.head = len(f.joins) - 1
		f.join(join{})
	case opIf:
		before := f.here
		f.fallThrough()
		n.other, f.here = f.here, before
		f.fallThrough()
	}
	f.blocks = append(f.blocks, n)
}

// elseBranch is an else.
func (f *controlFlow) elseBranch() {
	n := f.top()
	if f.dead > 1 {
		return
	}
	if f.dead == 0 {
		f.branch(f.here, &n.label)
	}
	f.arms++
	n.op, n.arm, n.then = opElse, f.arms, n.label.branches
	f.dead, f.height, f.reusable, f.here = 0, n.height+n.params, 0, n.other
}

// endBlock ends what open has begun, or the function.
func (f *controlFlow) endBlock() {
	if f.dead > 1 {
		f.dead--
		return
	}
	n := *f.top()
	to := n.label
	if n.op == opLoop { // branches went to its head; behind it only what leaves it at its end comes
		more := f.joins[n.head].more
		f.joins[n.head] = join{label: n.label, more: more, changed: -1, nest: n.nest}
		n.nest++
		to = label{arity: n.results}
	}
	if f.dead == 0 {
		f.branch(f.here, &to)
	}
	if n.op == opIf { // its condition may be false
		n.then = to.branches
		f.branch(n.other, &to)
	}
	if f.blocks = f.blocks[:len(f.blocks)-1]; len(f.blocks) == 0 {
		return
	}
	f.top().nest = max(f.top().nest, n.nest)
	f.dead, f.height, f.here = 0, n.height+n.results, to.from
	switch {
	case to.branches == 0:
		f.dead = 1
	case to.branches == 1:
		f.reusable = 0
		f.fallThrough()
	default:
		if n.then > 0 && to.branches > n.then { // both ways lead here, which part at the if
			f.here.depth = n.depth
		}
		j := join{label: to, changed: f.touched - n.touched, nest: n.nest}
		if n.nest > 0 { // a loop makes a value of every variable that is looked for in it
			j.changed = -1
		}
		f.join(j)
	}
}

// touch is a variable that is read or written.
func (f *controlFlow) touch(local uint32) *variable {
	v := &f.variables[local]
	if v.function != f.function {
		*v = variable{function: f.function}
		f.distinct++
	}
	f.touched++
	return v
}

// read looks for the value of a variable. It pays for the joins since the variable was set or read,
// if that was on the way to here, and else for all that have not been paid for.
func (f *controlFlow) read(local uint32) {
	if f.dead > 0 {
		return
	}
	v, now := f.touch(local), len(f.joins)-1
	from, open := v.paid, v.block < len(f.blocks) && f.blocks[v.block].arm == v.arm
	if open {
		from = v.at
	} else {
		v.block, v.arm = len(f.blocks)-1, f.top().arm
	}
	f.joins[from].more++
	f.joins[now].more--
	f.counts[lookups] += float64(f.here.chain + 1 + now - from)
	if v.at = now; from <= v.paid {
		v.paid = now
	}
}

// write sets a variable.
func (f *controlFlow) write(local uint32) {
	if f.dead == 0 {
		v := f.touch(local)
		v.at, v.block, v.arm = len(f.joins)-1, len(f.blocks)-1, f.top().arm
	}
}

// access reads or writes memory: where it is and how large are variables of the compiler.
func (f *controlFlow) access() {
	if f.dead == 0 {
		f.here.known++
		f.reusable++
		f.counts[lookups] += 2 * float64(f.here.chain+1)
		f.counts[heavy] += heavyAccess
	}
}

// call calls a function of that type. All globals that can change are read again after it.
func (f *controlFlow) call(t signature, globals int) {
	f.change(int(t.params), int(t.results))
	if f.dead == 0 {
		f.counts[values] += float64(t.params) + float64(t.results) + 2
		f.counts[reloads] += float64(globals)
		f.reusable = 0
	}
}

// imported pays for a call of a function that may be an import: the compiler looks for it among all
// of them.
func (f *controlFlow) imported(callee uint32, imports int) {
	if f.dead == 0 && int64(callee) < int64(imports) {
		f.counts[surroundings] += float64(callee)
	}
}

// bulk is an operation on a range of memory or of a table, which the compiler and marks make a loop
// and some branches of.
func (f *controlFlow) bulk() {
	const chained = 8
	for range chained {
		if f.dead == 0 {
			f.fallThrough()
		}
	}
	if f.dead == 0 {
		f.join(join{label: label{branches: 2, chains: chained}})
		f.instruction(heavyBulk)
	}
}

// charge is a charge of fuel, which is an if whose else calls a function.
func (f *controlFlow) charge(globals int) {
	if f.dead == 0 {
		const instructions = 12
		for range instructions {
			f.instruction(0)
		}
		f.change(0, 1)
		f.beginBlock(opIf, 0, 0)
		f.elseBranch()
		f.call(signature{}, globals)
		f.endBlock()
	}
}
