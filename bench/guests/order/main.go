// Command order is a node in Go that decodes an order with encoding/json, computes its total and
// encodes the result: the cost of a node that is written like most Go programs.
package main

import (
	"github.com/flowtrux/edge/nodes/sdk"
	"github.com/flowtrux/edge/nodes/sdk/typed"
)

type item struct {
	SKU      string  `json:"sku"`
	Quantity int     `json:"quantity"`
	Price    float64 `json:"price"`
}

type order struct {
	OrderID string `json:"order_id"`
	Items   []item `json:"items"`
}

type total struct {
	OrderID string  `json:"orderId"`
	Total   float64 `json:"total"`
	Items   []item  `json:"items"`
}

func add(_ *sdk.Context, in order) (total, error) {
	out := total{OrderID: in.OrderID, Items: in.Items}
	for _, i := range in.Items {
		out.Total += float64(i.Quantity) * i.Price
	}
	return out, nil
}

var _ = sdk.Register(sdk.Node{
	Type:    "order",
	Version: "1.0.0",
	Run:     typed.Func(add),
	Warmup:  []string{`{"order_id":"12345","items":[{"sku":"A-1","quantity":2,"price":9.75},{"sku":"B-2","quantity":1,"price":231}]}`},
})

func main() {} // never called
