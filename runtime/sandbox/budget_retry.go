package sandbox

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// BudgetFullError is the detail of an [Error] that is not the node's fault: others use the memory
// that was needed. A retry may succeed.
type BudgetFullError struct {
	Need     int64 // bytes of the budget that must be free at once
	Snapshot int64 // bytes of Need that the snapshot takes; 0 = not known
}

func (e *BudgetFullError) Error() string {
	return fmt.Sprintf("%d bytes are needed, and others use some of them", e.Need)
}

// memoryPatience is how long loading a module or making a snapshot waits for memory that others
// use.
const memoryPatience = 3 * time.Second

// retryWhileFull calls do, which takes memory. If others use that memory, it waits until enough is
// free and calls do again, until the patience or ctx ends. It returns the last error of do, or
// rejects a need that exceeds the share. do must release everything when it fails, so that a
// waiting caller holds nothing that others wait for.
func (s *Share) retryWhileFull(ctx context.Context, patience time.Duration, do func() *Error) *Error {
	deadline := time.Now().Add(patience)
	for need := int64(0); ; {
		failure := do()
		var full *BudgetFullError
		if failure == nil || !errors.As(failure.Detail, &full) {
			return failure
		}
		most := s.limit()
		if full.Need > most {
			return tooLargeError(full.Need, most)
		}
		// Memory that grows step by step may need more than a failed step reports.
		need = max(full.Need, min(2*need, most))
		if !time.Now().Before(deadline) || s.awaitMemory(ctx, deadline, need) != nil {
			return failure
		}
	}
}

// awaitMemory waits until the share could have n more bytes. It takes none.
func (s *Share) awaitMemory(ctx context.Context, deadline time.Time, n int64) *Error {
	if _, failure := s.admit(ctx, deadline, nil, n); failure != nil {
		return failure
	}
	s.give(n)
	s.budget.give(n)
	return nil
}

// budgetFull returns the error of a guest that got no memory because others use it, or nil if that
// did not happen.
func (in *instance) budgetFull() *Error {
	refused, h := in.memory.refused, &in.memory.footprint
	if !errors.Is(refused, errShareMemory) && !errors.Is(refused, errBudgetMemory) {
		return nil
	}
	return &Error{Code: CodeMemory, Message: in.memoryMessage(), Detail: &BudgetFullError{Need: h.bytes + h.lastFailed}}
}
