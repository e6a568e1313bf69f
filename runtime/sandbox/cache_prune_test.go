package sandbox

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestPruneCache(t *testing.T) {
	now := time.Now()
	const day = 24 * time.Hour
	type file struct {
		name  string
		size  int64
		age   time.Duration
		stays bool
	}
	for name, files := range map[string][]file{
		"a version in use keeps its old files": {
			{"wazero-v2/a", 10, 400 * day, true},
			{"wazero-v2/b", 10, day, true},
		},
		"a version that is not": {
			{"wazero-v1/a", 10, 31 * day, false},
			{"wazero-v1/b.1.tmp", 10, 31 * day, false},
			{"wazero-v2/a", 10, 29 * day, true},
		},
		"the oldest files beyond the size": {
			{"wazero-v1/a", maxCache / 2, 3 * day, false},
			{"wazero-v2/a", maxCache / 2, 2 * day, false},
			{"wazero-v1/b", maxCache / 4, day, true},
			{"wazero-v2/b", maxCache / 2, time.Hour, true},
		},
		"writes that were given up": {
			{"wazero-v2/a.1.tmp", maxCache, 2 * time.Hour, false},
			{"wazero-v2/a.2.tmp", maxCache, time.Minute, true},
			{"wazero-v2/a", 10, time.Minute, true},
		},
		"files of others": {
			{"README", 10, 400 * day, true},
			{"other/a", maxCache, 400 * day, true},
			{"wazero-v2/sub/a", maxCache, 400 * day, true},
		},
		"nothing": nil,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, f := range files {
				path := filepath.Join(dir, filepath.FromSlash(f.name))
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Truncate(path, f.size); err != nil { // sparse
					t.Fatal(err)
				}
				if err := os.Chtimes(path, now.Add(-f.age), now.Add(-f.age)); err != nil {
					t.Fatal(err)
				}
			}
			pruneCache(dir, now)
			for _, f := range files {
				_, err := os.Stat(filepath.Join(dir, filepath.FromSlash(f.name)))
				if stays := err == nil; stays != f.stays {
					t.Errorf("%s stays: %v", f.name, stays)
				}
			}
		})
	}
}

// The directory's name is no pattern: its own files are found, and no others.
func TestPruneCacheOfAnyName(t *testing.T) {
	parent, now := t.TempDir(), time.Now()
	file := func(dir string) string {
		version := filepath.Join(parent, dir, "wazero-v1")
		if err := os.MkdirAll(version, 0o700); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(version, "a")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		old := now.Add(-2 * unusedVersion)
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
		return path
	}
	own, other := file("cache[1]"), file("cache1")
	pruneCache(filepath.Join(parent, "cache[1]"), now)
	if _, err := os.Stat(own); err == nil {
		t.Error("its own file is still there")
	}
	if _, err := os.Stat(other); err != nil {
		t.Errorf("a file of another directory: %v", err)
	}
}
