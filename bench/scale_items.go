package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/flowtrux/edge/bench/workflow"
)

// itemCounts are the lengths of arrays that are measured. The last one is the most that a server
// accepts by default.
var itemCounts = []int{1, 100, 10_000}

// itemConnections is few, as 10,000 items take a hundredth of a second and more.
const itemConnections = 2

// measureItems measures a node with forEach.
func measureItems(ctx context.Context, b *bench) (table, error) {
	servers, stop, err := b.serve(ctx, itemsRequest(1), edgeSite("forEach", map[string]string{"workflows/items.json": workflow.Items(), "secrets/items": secret}, ""))
	defer stop()
	if err != nil {
		return table{}, err
	}
	var targets []target
	for _, n := range itemCounts {
		r := itemsRequest(n)
		targets = append(targets, target{fmt.Sprintf("%d items", n), servers[0], load{path: r.path, body: r.body, response: r.response, few: itemConnections}})
	}
	all, err := b.scaleRounds(ctx, targets)
	if err != nil {
		return table{}, err
	}
	return itemTable(all), nil
}

func itemsRequest(n int) request {
	body, response := workflow.ItemsBody(n)
	return request{path: "/api/webhooks/items", body: body, status: http.StatusCreated, response: response}
}

// itemTable makes a table from the rounds of each number of items.
func itemTable(all [][]round) table {
	t := table{
		title: fmt.Sprintf("A `transform` with `forEach`, whose response has the outputs of all items, over %d connections", itemConnections),
		head:  []string{"items", "requests/s", "µs/request", "µs per further item", "items/s", "p99 ms", "allocations/request", "resident MiB"},
	}
	each := make([][]float64, len(itemCounts)) // ns per item in each round
	for k, n := range itemCounts {
		further := "-"
		if k > 0 {
			for i, r := range all[k] {
				each[k] = append(each[k], float64(r.cpu-all[0][i].cpu)/float64(n-itemCounts[0]))
			}
			further = micros(time.Duration(median(each[k])))
		}
		t.add(fmt.Sprint(n), number(medianOf(all[k], rate)), micros(medianOf(all[k], cpuTime)), further, number(medianOf(all[k], rate)*float64(n)),
			millis(medianOf(all[k], almostWorst)), number(medianOf(all[k], mallocs)), mebibytes(mostMemory(all[k]).Resident))
	}
	nanos := func(f float64) float64 { return f }
	t.marks = []mark{{growthItems, ratios(each[2], each[1], nanos), fmt.Sprintf("%s of %s µs", micros(time.Duration(median(each[2]))), micros(time.Duration(median(each[1]))))}}
	return t
}
