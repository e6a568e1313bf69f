package embedded

import (
	"context"
	"time"

	"go.etcd.io/etcd/server/v3/etcdserver"
	"go.etcd.io/raft/v3/raftpb"
)

// electPause is the pause between two requests for an election.
const electPause = time.Millisecond

// elect makes the server the leader of its cluster, of which it is the only member, until it is or
// ctx ends. Without it, raft waits for a leader of which it knows that there is none: up to as many
// ticks as an election takes, at random. Shorter ticks would shorten that, but they would wake the
// processor for as long as the server runs.
//
// The request is the message with which a leader hands over to a member. Raft ignores it while it
// has not applied yet that it is a member, so it is repeated. If it never has an effect, the server
// elects itself after its ticks, as any server of etcd does.
func elect(ctx context.Context, s *etcdserver.EtcdServer) {
	id := uint64(s.MemberID())
	tick := time.NewTicker(electPause)
	defer tick.Stop()
	for s.Lead() == 0 {
		request := &raftpb.Message{Type: raftpb.MsgTimeoutNow.Enum(), From: &id, To: &id}
		if s.Process(ctx, request) != nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
