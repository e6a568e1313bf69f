package embedded

import (
	"context"
	"expvar"
	"time"

	"go.etcd.io/etcd/server/v3/etcdserver"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// electPause is the pause between two looks at a server that cannot be elected yet.
const electPause = time.Millisecond

// elect makes the server the leader of its cluster, of which it is the only member, as soon as it
// can be. Without it, raft waits for a leader of which it knows that there is none: up to as many
// ticks as an election takes, at random. Shorter ticks would shorten that, but they would wake the
// processor for as long as the server runs.
//
// The request is the message with which a leader hands over to a member. A server that it does not
// reach elects itself after some ticks.
func elect(ctx context.Context, s *etcdserver.EtcdServer) {
	id := uint64(s.MemberID())
	for !electable(id) {
		select {
		case <-time.After(electPause):
		case <-s.ReadyNotify():
			return
		case <-s.StopNotify():
			return
		case <-ctx.Done():
			return
		}
	}
	request := &raftpb.Message{Type: raftpb.MsgTimeoutNow.Enum(), From: &id, To: &id}
	_ = s.Process(ctx, request) // ticks do it, too
}

// electable reports whether the server has applied everything in its log. While it has not, it must
// not be elected: raft would look for changes of the members in entries that etcd may have dropped
// by then, and panic.
//
// etcd publishes the status of the server that has started last. Only one starts at a time.
func electable(id uint64) bool {
	published, ok := expvar.Get("raft.status").(expvar.Func)
	if !ok {
		return false
	}
	s, ok := published().(raft.Status)
	return ok && s.ID == id && s.GetCommit() > 0 && s.Applied == s.GetCommit()
}
