package instrument

// controlFlow follows the control flow of a function as the compiler sees it, and estimates the
// work of compiling it. It reads the instructions once. It stores only open blocks, joins and
// variables.
//
// The compiler makes basic blocks. A basic block with several predecessors is called a join here,
// as is the head of a loop. The compiler searches backwards for the value of a variable, from the
// block that reads it to its predecessors, and adds a parameter to each join on the way. So a
// variable costs work in each join between where it is set and where it is read.
//
// The estimate is an upper bound: a variable may be found earlier, and a block may be nearer to the
// root of the dominator tree.
type controlFlow struct {
	blocks []openBlock
	dead   int // 0 = the current code is reachable; otherwise 1, plus 1 for each block opened since

	height   int // of the operand stack
	here     place
	reusable int // values of addresses that may be used again
	arms     int // that have begun, see openBlock
	touched  int // reads and writes of variables

	joins     []join
	variables []variable
	distinct  int // variables that are touched
	function  int // number of the function, so that variables need not be cleared

	counts workCounts
}

// place describes a basic block.
type place struct {
	depth int // in the dominator tree
	chain int // blocks since the last join
	known int // addresses that are checked on the way to it
}

// openBlock is an open block of the module's code, or the function itself.
type openBlock struct {
	op              byte // opBlock, opLoop, opIf or opElse
	arm             int  // number of this piece of code; the part after else is another one
	params, results int
	height          int   // of the operand stack below its parameters
	depth           int   // of the basic block that it begins in
	touched         int   // before it
	nest            int   // how deep loops nest in it
	label           label // the target of branches to it
	head            int   // of a loop: its join
	other           place // of an if: where else begins
	then            int   // branches from before else
}

// label is a target of branches.
type label struct {
	arity    int // values that a branch carries
	branches int
	chains   int   // blocks since the last join, of all branches
	from     place // of the branches: the smallest depth, the last chain, the smallest known
}

// join is a basic block with several predecessors, or the head of a loop.
type join struct {
	label
	more    int // variables that are searched in it, minus those in the join before it
	changed int // the maximum number of them that can have several values; -1 = all
	nest    int // how deep loops nest in it
}

// variable records where a variable was touched, in numbers of joins.
type variable struct {
	function int
	paid     int // it has been searched in all joins before this one
	at       int // it is known here, as long as block and arm are open
	block    int
	arm      int
}

// begin begins a function with this many variables, including parameters.
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

// end counts the work that is known only at the end of a function.
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
	const context = 6 // values that are live everywhere, such as the address of the memory
	c[alive] += c[blocks] * float64(f.distinct+context)
}

func (f *controlFlow) top() *openBlock { return &f.blocks[len(f.blocks)-1] }

// change pops values off the operand stack and pushes others.
func (f *controlFlow) change(pops, pushes int) {
	if f.dead == 0 {
		f.height = max(f.height-pops+pushes, 0)
	}
}

// instruction counts an instruction, with extra bytes.
func (f *controlFlow) instruction(bytes float64) {
	if f.dead == 0 {
		f.counts[instructions]++
		f.counts[heavy] += bytes
	}
}

// fallThrough begins a basic block whose only predecessor is the current one.
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

// join begins a basic block with several predecessors.
func (f *controlFlow) join(j join) {
	last := len(f.joins) - 1
	j.more = f.joins[last].more
	f.joins[last] = j
	f.joins = append(f.joins, join{})
	f.here.chain, f.reusable = 0, 0
	f.newBasicBlock()
}

// branch counts a branch from a place to a label.
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

// branchTo counts a branch to the nth open block from the inside. The compiler rejects a function
// with a branch to a missing block.
func (f *controlFlow) branchTo(n uint32) {
	if f.dead == 0 && uint64(n) < uint64(len(f.blocks)) {
		f.branch(f.here, &f.blocks[len(f.blocks)-1-int(n)].label)
	}
}

// branchIf counts a conditional branch.
func (f *controlFlow) branchIf(n uint32) {
	f.change(1, 0)
	if f.dead == 0 {
		f.branchTo(n)
		f.fallThrough()
	}
}

// tableEntry counts an entry of a branch table. Each is its own basic block.
func (f *controlFlow) tableEntry(n uint32) {
	if f.dead == 0 {
		table := f.here
		f.fallThrough()
		f.branchTo(n)
		f.here = table
	}
}

// unreachable makes the code that follows unreachable.
func (f *controlFlow) unreachable() { f.dead = max(f.dead, 1) }

// functionReturn counts a return.
func (f *controlFlow) functionReturn() {
	if f.dead == 0 {
		f.counts[values] += float64(f.blocks[0].results)
	}
	f.unreachable()
}

// beginBlock begins a block of the module's code with this many parameters and results.
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

// elseBranch begins the part after else.
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

// endBlock ends the block that beginBlock has begun, or the function.
func (f *controlFlow) endBlock() {
	if f.dead > 1 {
		f.dead--
		return
	}
	n := *f.top()
	to := n.label
	if n.op == opLoop { // branches went to its head; only the end of its body continues behind it
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
		if n.then > 0 && to.branches > n.then { // both branches of the if lead here
			f.here.depth = n.depth
		}
		j := join{label: to, changed: f.touched - n.touched, nest: n.nest}
		if n.nest > 0 { // a loop makes a new value of every variable that is searched in it
			j.changed = -1
		}
		f.join(j)
	}
}

// touch records that a variable is read or written.
func (f *controlFlow) touch(local uint32) *variable {
	v := &f.variables[local]
	if v.function != f.function {
		*v = variable{function: f.function}
		f.distinct++
	}
	f.touched++
	return v
}

// read counts the search for the value of a variable. It counts the joins since the variable was
// set or read, if that was on the way to here. Otherwise it counts all joins that were not counted
// yet.
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

// write records that a variable is set.
func (f *controlFlow) write(local uint32) {
	if f.dead == 0 {
		v := f.touch(local)
		v.at, v.block, v.arm = len(f.joins)-1, len(f.blocks)-1, f.top().arm
	}
}

// access counts a memory access. The address and the size of the memory are variables of the
// compiler.
func (f *controlFlow) access() {
	if f.dead == 0 {
		f.here.known++
		f.reusable++
		f.counts[lookups] += 2 * float64(f.here.chain+1)
		f.counts[heavy] += heavyAccess
	}
}

// call counts a call of a function of this type. All mutable globals are read again after it.
func (f *controlFlow) call(t signature, globals int) {
	f.change(int(t.params), int(t.results))
	if f.dead == 0 {
		f.counts[values] += float64(t.params) + float64(t.results) + 2
		f.counts[reloads] += float64(globals)
		f.reusable = 0
	}
}

// imported counts the search for a callee among all imports, if it is one.
func (f *controlFlow) imported(callee uint32, imports int) {
	if f.dead == 0 && int64(callee) < int64(imports) {
		f.counts[surroundings] += float64(callee)
	}
}

// bulk counts an operation on a range of memory or of a table. The compiler and the write barrier
// turn it into a loop and some branches.
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

// charge counts a charge of fuel, which is an if whose else calls a function.
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
