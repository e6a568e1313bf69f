package embedded

import (
	"context"
	"fmt"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
)

// makeRoom makes a database that has reached its quota writable again: it drops all history, frees
// the space and disarms the alarm. If no space can be freed, the next write raises the alarm again.
//
// An operator would do the same with etcdctl. But that needs a port, which there is none of, and
// everybody tries a restart.
func (s *server) makeRoom(ctx context.Context) error {
	client := v3client.New(s.etcd.Server)
	defer client.Close()
	alarms, err := client.AlarmList(ctx)
	if err != nil {
		return fmt.Errorf("asking for alarms: %w", err)
	}
	for _, a := range alarms.Alarms {
		if a.Alarm != pb.AlarmType_NOSPACE {
			continue
		}
		now, err := client.Get(ctx, "/", clientv3.WithCountOnly())
		if err != nil {
			return fmt.Errorf("asking for the revision: %w", err)
		}
		if _, err := client.Compact(ctx, now.Header.GetRevision(), clientv3.WithCompactPhysical()); err != nil {
			return fmt.Errorf("dropping history: %w", err)
		}
		if err := s.etcd.Server.Backend().Defrag(); err != nil {
			return fmt.Errorf("giving room back: %w", err)
		}
		if _, err := client.AlarmDisarm(ctx, &clientv3.AlarmMember{MemberID: a.MemberID, Alarm: a.Alarm}); err != nil {
			return fmt.Errorf("taking the alarm off: %w", err)
		}
	}
	return nil
}
