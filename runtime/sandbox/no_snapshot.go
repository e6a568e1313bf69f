package sandbox

import (
	"context"

	"github.com/flowtrux/edge/runtime/hostapi"
)

// instanceSource provides instances in the state that a module's start leaves, whatever earlier
// calls did. It is safe for concurrent use.
type instanceSource interface {
	// acquire returns an instance for one call of the session and counts it against the share. It
	// waits for one until the call's deadline.
	acquire(ctx context.Context, s *hostapi.Session, share *Share) (*instance, *Error)
	// release takes it back. After a call that was not healthy, its state is unknown.
	release(in *instance, healthy bool)
	// discard ends an instance instead.
	discard(in *instance)
	// inputBuffer is the address of the instances' input buffer; see snapshot.inputBuffer.
	inputBuffer() uint32
	// close ends all instances. None may be in use.
	close()
}

// freshInstances makes an instance for each call and closes it after the call, so no call can see
// another.
type freshInstances struct{ *instantiator }

func (f freshInstances) acquire(ctx context.Context, s *hostapi.Session, share *Share) (*instance, *Error) {
	begin := f.startSession()
	begin.Deadline = s.Deadline
	in, _, failure := f.start(ctx, begin, share)
	return in, failure
}

func (freshInstances) release(in *instance, _ bool) { in.close() }
func (freshInstances) discard(in *instance)         { in.close() }
func (freshInstances) inputBuffer() uint32          { return 0 }
func (freshInstances) close()                       {}
