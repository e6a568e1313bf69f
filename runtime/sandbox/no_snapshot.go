package sandbox

import (
	"context"

	"github.com/flowtrux/edge/runtime/hostapi"
)

// instances hands out instances that are as a module's start leaves them, whatever calls did
// before. Safe for concurrent use.
type instances interface {
	// acquire returns an instance for one call of the session, which the share holds. It waits for
	// one as long as the call may last.
	acquire(ctx context.Context, s *hostapi.Session, share *Share) (*instance, *Error)
	// release takes it back; after a call that was not healthy its state is anything.
	release(in *instance, healthy bool)
	// discard ends an instance instead.
	discard(in *instance)
	// buffer is where the instances have room for an input, see image.input.
	buffer() uint32
	// close ends all instances. None is in use.
	close()
}

// fresh makes an instance for each call and closes it after the call: there is no way for one call
// to see another.
type fresh struct{ *starter }

func (f fresh) acquire(ctx context.Context, s *hostapi.Session, share *Share) (*instance, *Error) {
	begin := f.begin()
	begin.Deadline = s.Deadline
	in, _, failure := f.start(ctx, begin, share)
	return in, failure
}

func (fresh) release(in *instance, _ bool) { in.close() }
func (fresh) discard(in *instance)         { in.close() }
func (fresh) buffer() uint32               { return 0 }
func (fresh) close()                       {}
