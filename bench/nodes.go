package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/flowtrux/edge/bench/workflow"
)

// chain is a kind of workflow that runs nodes of one type one after the other.
type chain struct {
	node     string
	lengths  []int // the slope is over these
	long     int   // the length that the slope is compared with; 0 for none
	goal     int
	document func(n int) string
	body     []byte
	response string
}

var chains = []chain{
	{"transform", []int{1, 5, 17}, 100, goalTransform, workflow.Chain, kilobyte, workflow.ChainResponse},
	{"condition", []int{1, 5, 17}, 0, goalCondition, workflow.Conditions, kilobyte, workflow.ConditionsResponse},
	{"code", []int{1, 3, 5}, 0, goalCode, workflow.Code, workflow.CodeBody(), workflow.CodeResponse},
}

// all returns all lengths.
func (c chain) all() []int {
	if c.long == 0 {
		return c.lengths
	}
	return append(slices.Clip(c.lengths), c.long)
}

func (c chain) id(n int) string { return fmt.Sprintf("%s%d", c.node, n) }

// nodeTime limits the rounds, as there are many targets.
const nodeTime = time.Second

// measureNodes measures the cost of one more node.
func measureNodes(ctx context.Context, b *bench) (section, error) {
	seed := make(map[string]string)
	for _, c := range chains {
		for _, n := range c.all() {
			seed["workflows/"+c.id(n)+".json"], seed["secrets/"+c.id(n)] = c.document(n), secret
		}
	}
	// The last nodes to be ready are those of type code.
	first := request{path: "/api/webhooks/code1", body: workflow.CodeBody(), status: http.StatusCreated}
	servers, stop, err := b.serve(ctx, first, respondSite(), edgeSite("chains of nodes", seed, ""))
	defer stop()
	if err != nil {
		return section{}, err
	}
	v := servers[1]
	targets := []target{{servers[0].name, servers[0], threeLoad}}
	targets[0].load.response = respondText
	for _, c := range chains {
		for _, n := range c.all() {
			l := load{path: "/api/webhooks/" + c.id(n), body: c.body, response: c.response}
			if err := v.await(ctx, request{path: l.path, body: l.body, status: http.StatusCreated, response: l.response}, time.Minute); err != nil {
				return section{}, v.failed(err)
			}
			targets = append(targets, target{fmt.Sprintf("%d of %s", n, c.node), v, l})
		}
	}
	d := min(time.Duration(b.seconds)*time.Second, nodeTime)
	rounds, err := b.loadRounds(ctx, targets, b.rounds, d)
	if err != nil {
		return section{}, err
	}
	s := section{title: "One more node", notes: []string{fmt.Sprintf(
		"Workflows with nodes of one type, one after the other, on one server; wrk as above. µs are CPU time of the server per request. The cost of one more node is the slope of a line "+
			"through the lengths of a round, and its ratio is to the CPU time of a request to `respond` in that round. Each `condition` compares a number; each node of type `code` gets a "+
			"body of 1 KB with 20 items and adds up their prices. Medians of %d interleaved rounds of %s.", b.rounds, d)}}
	at := 1
	for _, c := range chains {
		s.tables = append(s.tables, chainTable(c, rounds[at:at+len(c.all())], rounds[0]))
		at += len(c.all())
	}
	return s, nil
}

// chainTable makes a table from the rounds of each length of a chain, and those of respond.
func chainTable(c chain, all [][]round, responds []round) table {
	t := table{title: "Chains of " + c.node, head: []string{"nodes", "requests/s", "µs/request", "p99 ms", "allocations/request"}}
	for i, n := range c.all() {
		t.add(fmt.Sprint(n), number(medianOf(all[i], rate)), micros(medianOf(all[i], cpuTime)), millis(medianOf(all[i], almostWorst)), number(medianOf(all[i], mallocs)))
	}
	var each, of, longer []float64
	for i := range responds {
		x, y := make([]float64, len(c.lengths)), make([]float64, len(c.lengths))
		for k, n := range c.lengths {
			x[k], y[k] = float64(n), float64(all[k][i].cpu)
		}
		more := slope(x, y)
		each, of = append(each, more), append(of, more/float64(responds[i].cpu))
		if c.long > 0 {
			last := len(c.lengths) - 1
			longer = append(longer, slope([]float64{x[last], float64(c.long)}, []float64{y[last], float64(all[last+1][i].cpu)})/more)
		}
	}
	beside := fmt.Sprintf("%s of a request to `respond`, %s µs", times(median(of)), micros(medianOf(responds, cpuTime)))
	t.add("one more", "-", micros(time.Duration(median(each))), "-", number(slope(c.allocations(all))))
	t.marks = append(t.marks, mark{c.goal, median(each) / float64(time.Microsecond), beside})
	if c.long > 0 {
		t.marks = append(t.marks, mark{growthChain, median(longer), fmt.Sprintf("%s µs in a chain of %d", micros(time.Duration(median(each))), c.lengths[len(c.lengths)-1])})
	}
	return t
}

// allocations returns the lengths and the allocations of a request to each.
func (c chain) allocations(all [][]round) (x, y []float64) {
	for i, n := range c.lengths {
		x, y = append(x, float64(n)), append(y, medianOf(all[i], mallocs))
	}
	return x, y
}
