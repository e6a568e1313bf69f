package embedded

import (
	"cmp"
	"net/url"
	"path/filepath"
	"sync"

	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/storage/wal"
)

const (
	memberName = "edge"

	// walSegment is the size of the files of the write-ahead log; two are allocated in advance.
	// etcd's default of 64 MB is for clusters under load.
	walSegment = 4 << 20

	// defaultQuota is the size at which the database rejects writes; see makeRoom.
	defaultQuota = 256 << 20
	// history is the number of revisions that are retained. Old ones are not read: a mirror that
	// missed them lists.
	history = "100"
)

// shrinkWAL sets the size of log files, which is a global variable in etcd.
var shrinkWAL = sync.OnceFunc(func() { wal.SegmentSizeBytes = walSegment })

// serverConfig returns etcd's configuration for a server. The server fails when etcd gives up.
func serverConfig(o Options, s *server) *embed.Config {
	shrinkWAL()
	c := embed.NewConfig()
	c.Name = memberName
	c.Dir = o.Dir
	c.ListenPeerUrls, c.ListenClientUrls = nil, nil
	// Advertised URLs are only names: no other member uses them.
	peer, client := unixURL(filepath.Join(o.Dir, "peer.sock")), unixURL(filepath.Join(o.Dir, "client.sock"))
	if o.Listen != "" {
		client = unixURL(o.Listen)
		c.ListenClientUrls = []url.URL{unixURL(o.Listen + newSocket)}
	}
	c.AdvertisePeerUrls, c.AdvertiseClientUrls = []url.URL{peer}, []url.URL{client}
	c.InitialCluster = memberName + "=" + peer.String()
	c.QuotaBackendBytes = cmp.Or(o.quota, defaultQuota)
	c.AutoCompactionMode, c.AutoCompactionRetention = embed.CompactorModeRevision, history
	if o.tickMs > 0 {
		c.TickMs, c.ElectionMs = o.tickMs, 5*o.tickMs
	}
	c.EnableGRPCGateway = false
	c.AuthToken = "" // there are no users: the socket's directory protects it
	c.LogLevel = "warn"
	c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(serverLog(o.Logger, s))
	return c
}

func unixURL(path string) url.URL { return url.URL{Scheme: "unix", Path: path} }
