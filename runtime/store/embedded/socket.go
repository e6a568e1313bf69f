package embedded

import "os"

// newSocket is the suffix of a socket until it is in its place. When a server ends, etcd removes
// the name that it has listened on, whoever owns it by then: after a reload to another directory,
// that is the next server.
const newSocket = ".new"

// placeSocket moves the server's socket to its place, for its owner alone.
func (s *server) placeSocket() (err error) {
	if s.listen == "" {
		return nil
	}
	if err := os.Chmod(s.listen+newSocket, 0o600); err != nil {
		return err
	}
	if s.socket, err = os.Lstat(s.listen + newSocket); err != nil {
		return err
	}
	return os.Rename(s.listen+newSocket, s.listen)
}

// removeSocket removes the server's socket, unless another one is in its place.
func (s *server) removeSocket() {
	if there, err := os.Lstat(s.listen); err == nil && s.socket != nil && os.SameFile(there, s.socket) {
		_ = os.Remove(s.listen)
	}
}
