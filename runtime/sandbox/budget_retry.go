package sandbox

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// BudgetFullError is the detail of an [Error] that says nothing about the node: others have the memory
// that was needed. Who tries again may get it.
type BudgetFullError struct {
	Need     int64 // bytes of the budget that have to be free at once
	Snapshot int64 // what the image takes of them; 0 = it is not known
}

func (e *BudgetFullError) Error() string {
	return fmt.Sprintf("others have what is needed of %d bytes", e.Need)
}

// memoryPatience is how long loading a module and making an image wait for memory that others have.
const memoryPatience = 3 * time.Second

// retryWhileFull does what takes memory. When others have that, it waits until as much is free and does it
// again, until the patience or ctx ends: then the error is the last one of do. What needs more than
// there can be is refused. do gives back all that it holds when it fails, so who waits here has
// nothing that others wait for.
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
		// What grew step by step needs more than is known after each of them.
		need = max(full.Need, min(2*need, most))
		if !time.Now().Before(deadline) || s.awaitMemory(ctx, deadline, need) != nil {
			return failure
		}
	}
}

// awaitMemory waits until the share could have n bytes more. It takes none.
func (s *Share) awaitMemory(ctx context.Context, deadline time.Time, n int64) *Error {
	if _, failure := s.admit(ctx, deadline, nil, n); failure != nil {
		return failure
	}
	s.give(n)
	s.budget.give(n)
	return nil
}

// budgetFull is the error of a guest that others kept from memory; nil = they did not.
func (in *instance) budgetFull() *Error {
	refused, h := in.memory.refused, &in.memory.footprint
	if !errors.Is(refused, errShareMemory) && !errors.Is(refused, errBudgetMemory) {
		return nil
	}
	return &Error{Code: CodeMemory, Message: in.memoryMessage(), Detail: &BudgetFullError{Need: h.bytes + h.lastFailed}}
}
