package bbolt

import (
	"errors"
	"testing"
)

// TestBucketsAreOpenedWhenUsed: a transaction opens no bucket that it does not use.
func TestBucketsAreOpenedWhenUsed(t *testing.T) {
	j := open(t, path(t), roomy)
	o := &funcOp{do: func(tx *transaction) error {
		all := map[string]*lookup{
			"live": tx.live, "runs": tx.runs, "keys": tx.keys, "expiry": tx.expiry, "unsettled": tx.unsettled,
			"responsesBy": tx.responsesBy, "counts": tx.counts,
			"steps": tx.steps.short, "responses": tx.responses.short, "long": tx.steps.long,
		}
		for name, l := range all {
			if l.bucket != nil {
				t.Errorf("%s is open before it is used", name)
			}
		}
		tx.live.Get([]byte("none"))
		for name, l := range all {
			if (l.bucket != nil) != (name == "live") {
				t.Errorf("after a look into live, %s is open: %v", name, l.bucket != nil)
			}
		}
		if tx.live.bucket.FillPercent != fillGrowing {
			t.Errorf("pages of live become %v full", tx.live.bucket.FillPercent)
		}
		return errLooked
	}}
	if err := j.do(t.Context(), o); !errors.Is(err, errLooked) {
		t.Fatal(err)
	}
}
