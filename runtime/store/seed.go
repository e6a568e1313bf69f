package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.uber.org/zap"
)

// Limits of a seed.
const (
	maxSeedFiles = 10_000
	maxSeedFile  = 1 << 20  // bytes of one file
	maxSeed      = 64 << 20 // bytes of all files together
	// maxSeedWrite is the most bytes in one transaction; etcd accepts 1.5 MiB.
	maxSeedWrite = maxSeedFile + 1<<16
)

// The folders of a seed have the names of the keys' prefixes.
var seedFolders = []string{"workflows", "secrets", "globals"}

// seedName matches the names that are allowed in a seed.
var seedName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)

// ReadSeed reads the documents of a directory:
//
//	workflows/<id>.json
//	secrets/<id>     or secrets/<id>.json
//	globals/<key>    or globals/<key>.json
//
// They become the entries workflows/<id>, secrets/<id> and globals/<key>, sorted by key. Other
// files, and files whose names begin with a dot, are ignored. A file in one of the three folders is
// left out and reported in problems if its name is no key, it has more than 1 MiB, it cannot be
// read or another file has the same key. It does not affect the others. At most 10,000 files with
// 64 MiB are read.
func ReadSeed(dir fs.FS) (entries []Entry, problems []error) {
	s := &seedReader{dir: dir, keys: make(map[string]bool)}
	for _, folder := range seedFolders {
		files, err := fs.ReadDir(dir, folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.problems = append(s.problems, err)
		}
		for _, file := range files { // by name
			if strings.HasPrefix(file.Name(), ".") {
				continue
			}
			if err := s.read(folder, file.Name()); err != nil {
				s.problems = append(s.problems, fmt.Errorf("%s/%s: %w", folder, file.Name(), err))
			}
			if len(s.keys) >= maxSeedFiles || s.size >= maxSeed {
				s.problems = append(s.problems, fmt.Errorf("the seed has more than %d files or %d bytes: the rest is left out", maxSeedFiles, maxSeed))
				return s.sorted()
			}
		}
	}
	return s.sorted()
}

// seedReader is the state of a ReadSeed.
type seedReader struct {
	dir      fs.FS
	entries  []Entry
	problems []error
	keys     map[string]bool
	size     int64
}

func (s *seedReader) read(folder, file string) error {
	name, isJSON := strings.CutSuffix(file, ".json")
	if folder == "workflows" && !isJSON {
		return errors.New("the name does not end with .json")
	}
	if !seedName.MatchString(name) {
		return errors.New("the name cannot be a key")
	}
	key := folder + "/" + name
	if s.keys[key] {
		return fmt.Errorf("another file gives %s", key)
	}
	value, err := s.readFile(path.Join(folder, file))
	if err != nil {
		return err
	}
	s.keys[key] = true
	s.size += int64(len(value))
	s.entries = append(s.entries, Entry{Key: key, Value: value})
	return nil
}

func (s *seedReader) readFile(name string) ([]byte, error) {
	file, err := s.dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	value, err := io.ReadAll(io.LimitReader(file, maxSeedFile+1))
	if err == nil && len(value) > maxSeedFile {
		err = fmt.Errorf("it has more than %d bytes", maxSeedFile)
	}
	return value, err
}

func (s *seedReader) sorted() ([]Entry, []error) {
	slices.SortFunc(s.entries, func(a, b Entry) int { return strings.Compare(a.Key, b.Key) })
	return s.entries, s.problems
}

// CheckSeed checks that a seed directory exists.
func CheckSeed(dir string) error {
	if info, err := os.Stat(dir); err != nil {
		return fmt.Errorf("looking for the seed: %w", err)
	} else if !info.IsDir() {
		return fmt.Errorf("looking for the seed: %s is not a directory", dir)
	}
	return nil
}

// importSeed writes the seed into the store if the store is empty, before any content is served.
func (m *Mirror) importSeed() {
	empty := false
	look, done := context.WithCancel(m.running)
	defer done()
	_ = m.engine.Follow(look, func(b Batch) error {
		if look.Err() == nil { // the first batch: the whole content
			empty = len(b.Put) == 0
			done()
		}
		return nil
	}, m.report)
	if !empty || m.running.Err() != nil {
		return
	}
	entries, problems := ReadSeed(os.DirFS(m.seed))
	for _, p := range problems {
		m.log.Warn("left out of the seed", zap.Error(p))
	}
	for _, part := range splitWrites(entries) {
		if _, err := m.engine.Write(m.running, part, nil); err != nil {
			m.log.Warn("importing the seed failed", zap.String("first", part[0].Key), zap.Error(err))
			return
		}
	}
	m.log.Info("seed imported", zap.String("dir", m.seed), zap.Int("keys", len(entries)))
}

// splitWrites splits entries into transactions.
func splitWrites(entries []Entry) [][]Entry {
	var list [][]Entry
	var size int64
	first := 0
	for i, e := range entries {
		if i > first && (i-first == MaxOps || size+e.size() > maxSeedWrite) {
			list = append(list, entries[first:i])
			first, size = i, 0
		}
		size += e.size()
	}
	if first < len(entries) {
		list = append(list, entries[first:])
	}
	return list
}
