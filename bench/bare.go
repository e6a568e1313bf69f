package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
)

// put is a write to a bare database.
type put struct {
	key  []byte
	done chan error
}

// bareBatch is the maximum number of puts in a commit.
const bareBatch = 512

// bareCommits measures a database without a journal: puts of a kilobyte, in groups with one commit
// each.
func (b *bench) bareCommits(ctx context.Context, d time.Duration) (float64, error) {
	file := filepath.Join(b.dir, "bare.db")
	db, err := bolt.Open(file, 0o600, &bolt.Options{NoFreelistSync: true, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return 0, err
	}
	defer os.Remove(file)
	defer db.Close()
	puts := make(chan put, bareBatch)
	defer close(puts)
	go commitPuts(db, puts)
	return together(ctx, d, func(_ context.Context, n uint64) error {
		p := put{newID(n), make(chan error, 1)}
		puts <- p
		return <-p.done
	})
}

func commitPuts(db *bolt.DB, puts <-chan put) {
	for first := range puts {
		batch := []put{first}
		for len(batch) < bareBatch && len(puts) > 0 {
			batch = append(batch, <-puts)
		}
		err := db.Update(func(tx *bolt.Tx) error {
			bucket, err := tx.CreateBucketIfNotExists([]byte("bare"))
			for _, p := range batch {
				if err == nil {
					err = bucket.Put(p.key, kilobyte)
				}
			}
			return err
		})
		for _, p := range batch {
			p.done <- err
		}
	}
}
