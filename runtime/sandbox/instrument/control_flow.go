package instrument

// flow follows the control flow of a function as the compiler sees it, and counts what makes the
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
type flow struct {
	frames []frame
	dead   int // 0 = the current code is reached; else 1, and 1 for each block opened since

	height  int // of the operand stack
	here    place
	kept    int // values of addresses that may be used again
	arms    int // that have begun, see frame
	touched int // reads and writes of variables

	joins     []join
	variables []variable
	distinct  int // variables that are touched
	function  int // which one is followed, so that variables need not be cleared

	cost cost
}

// place is what is known of a basic block.
type place struct {
	depth int // in the tree of dominators
	chain int // blocks since the last join
	known int // addresses that are checked on the way to it
}

// frame is an open block of the module, or the function itself.
type frame struct {
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
	frame    int
	arm      int
}

// begin begins a function with so many variables, parameters among them.
func (f *flow) begin(variables uint32, t signature) {
	if more := int(variables) - len(f.variables); more > 0 {
		f.variables = append(f.variables, make([]variable, more)...)
	}
	whole := frame{op: opBlock, results: int(t.results), label: label{arity: int(t.results)}}
	*f = flow{
		frames: append(f.frames[:0], whole), joins: append(f.joins[:0], join{changed: -1}),
		variables: f.variables, function: f.function + 1,
	}
	f.cost[blocks] = 1
	f.cost[surroundings] = passed * (float64(t.params) + float64(t.results))
}

// end counts what is known only at the end of a function.
func (f *flow) end() {
	c, here := &f.cost, 0
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

func (f *flow) top() *frame { return &f.frames[len(f.frames)-1] }

// change takes values off the operand stack and puts others on.
func (f *flow) change(pops, pushes int) {
	if f.dead == 0 {
		f.height = max(f.height-pops+pushes, 0)
	}
}

// instruction counts an instruction, with what it takes besides.
func (f *flow) instruction(bytes float64) {
	if f.dead == 0 {
		f.cost[instructions]++
		f.cost[heavy] += bytes
	}
}

// next begins a basic block that is entered from the current one alone.
func (f *flow) next() {
	f.cost[depths] += float64(f.here.depth)
	f.here.chain++
	f.block()
}

// block begins a basic block.
func (f *flow) block() {
	f.here.depth++
	f.cost[blocks]++
	f.cost[alive] += float64(f.height + f.kept)
	f.cost[addresses] += float64(f.here.known)
}

// join begins a basic block that is entered from several others.
func (f *flow) join(j join) {
	last := len(f.joins) - 1
	j.more = f.joins[last].more
	f.joins[last] = j
	f.joins = append(f.joins, join{})
	f.here.chain, f.kept = 0, 0
	f.block()
}

// branch is a branch from a place to a label.
func (f *flow) branch(from place, l *label) {
	f.cost[siblings] += float64(l.branches)
	f.cost[depths] += float64(from.depth)
	f.cost[values] += float64(l.arity)
	f.cost[alive] += float64(f.height + f.kept)
	if l.branches == 0 {
		l.from = from
	}
	l.branches++
	l.chains += from.chain + 1
	l.from = place{min(l.from.depth, from.depth), from.chain, min(l.from.known, from.known)}
}

// jump is a branch to the nth frame from the inside. The compiler refuses a function when there is
// none.
func (f *flow) jump(n uint32) {
	if f.dead == 0 && uint64(n) < uint64(len(f.frames)) {
		f.branch(f.here, &f.frames[len(f.frames)-1-int(n)].label)
	}
}

// maybe is a conditional jump.
func (f *flow) maybe(n uint32) {
	f.change(1, 0)
	if f.dead == 0 {
		f.jump(n)
		f.next()
	}
}

// entry is one of a table of branches. Each is a basic block of its own.
func (f *flow) entry(n uint32) {
	if f.dead == 0 {
		table := f.here
		f.next()
		f.jump(n)
		f.here = table
	}
}

// leave ends code that what follows is not reached from.
func (f *flow) leave() { f.dead = max(f.dead, 1) }

// returns is a return.
func (f *flow) returns() {
	if f.dead == 0 {
		f.cost[values] += float64(f.frames[0].results)
	}
	f.leave()
}

// open begins a block of the module, with so many parameters and results.
func (f *flow) open(op byte, params, results int) {
	if op == opIf {
		f.change(1, 0)
	}
	if f.dead > 0 {
		f.dead++
		return
	}
	f.arms++
	n := frame{
		op: op, arm: f.arms, params: params, results: results, label: label{arity: results},
		height: max(f.height-params, 0), depth: f.here.depth, touched: f.touched,
	}
	f.cost[values] += float64(params + results)
	switch op {
	case opLoop:
		n.label.arity = params
		f.branch(f.here, &n.label)
		n.head = len(f.joins) - 1
		f.join(join{})
	case opIf:
		before := f.here
		f.next()
		n.other, f.here = f.here, before
		f.next()
	}
	f.frames = append(f.frames, n)
}

// otherwise is an else.
func (f *flow) otherwise() {
	n := f.top()
	if f.dead > 1 {
		return
	}
	if f.dead == 0 {
		f.branch(f.here, &n.label)
	}
	f.arms++
	n.op, n.arm, n.then = opElse, f.arms, n.label.branches
	f.dead, f.height, f.kept, f.here = 0, n.height+n.params, 0, n.other
}

// close ends what open has begun, or the function.
func (f *flow) close() {
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
	if f.frames = f.frames[:len(f.frames)-1]; len(f.frames) == 0 {
		return
	}
	f.top().nest = max(f.top().nest, n.nest)
	f.dead, f.height, f.here = 0, n.height+n.results, to.from
	switch {
	case to.branches == 0:
		f.dead = 1
	case to.branches == 1:
		f.kept = 0
		f.next()
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
func (f *flow) touch(local uint32) *variable {
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
func (f *flow) read(local uint32) {
	if f.dead > 0 {
		return
	}
	v, now := f.touch(local), len(f.joins)-1
	from, open := v.paid, v.frame < len(f.frames) && f.frames[v.frame].arm == v.arm
	if open {
		from = v.at
	} else {
		v.frame, v.arm = len(f.frames)-1, f.top().arm
	}
	f.joins[from].more++
	f.joins[now].more--
	f.cost[lookups] += float64(f.here.chain + 1 + now - from)
	if v.at = now; from <= v.paid {
		v.paid = now
	}
}

// write sets a variable.
func (f *flow) write(local uint32) {
	if f.dead == 0 {
		v := f.touch(local)
		v.at, v.frame, v.arm = len(f.joins)-1, len(f.frames)-1, f.top().arm
	}
}

// access reads or writes memory: where it is and how large are variables of the compiler.
func (f *flow) access() {
	if f.dead == 0 {
		f.here.known++
		f.kept++
		f.cost[lookups] += 2 * float64(f.here.chain+1)
		f.cost[heavy] += heavyAccess
	}
}

// call calls a function of that type. All globals that can change are read again after it.
func (f *flow) call(t signature, globals int) {
	f.change(int(t.params), int(t.results))
	if f.dead == 0 {
		f.cost[values] += float64(t.params) + float64(t.results) + 2
		f.cost[reloads] += float64(globals)
		f.kept = 0
	}
}

// imported pays for a call of a function that may be an import: the compiler looks for it among all
// of them.
func (f *flow) imported(callee uint32, imports int) {
	if f.dead == 0 && int64(callee) < int64(imports) {
		f.cost[surroundings] += float64(callee)
	}
}

// bulk is an operation on a range of memory or of a table, which the compiler and marks make a loop
// and some branches of.
func (f *flow) bulk() {
	const chained = 8
	for range chained {
		if f.dead == 0 {
			f.next()
		}
	}
	if f.dead == 0 {
		f.join(join{label: label{branches: 2, chains: chained}})
		f.instruction(heavyBulk)
	}
}

// charge is a charge of fuel, which is an if whose else calls a function.
func (f *flow) charge(globals int) {
	if f.dead == 0 {
		const instructions = 12
		for range instructions {
			f.instruction(0)
		}
		f.change(0, 1)
		f.open(opIf, 0, 0)
		f.otherwise()
		f.call(signature{}, globals)
		f.close()
	}
}
