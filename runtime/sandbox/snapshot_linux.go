package sandbox

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// snapshotFile holds a snapshot in a sealed, unnamed file in memory. Regions share its pages until
// they write to them. Only the parts that are not all zeros are mapped from the file, since Linux
// fills a hole in the file when it is read.
type snapshotFile struct {
	fd    int
	parts []extent
	bytes []byte // the snapshot, read-only
}

const canShare = true

// newSnapshotFile copies the given parts of a memory into a file.
func newSnapshotFile(memory []byte, parts []extent) (_ *snapshotFile, err error) {
	fd, err := unix.MemfdCreate("flowtrux-snapshot", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("memfd_create: %w", err)
	}
	m := &snapshotFile{fd: fd, parts: parts}
	defer func() {
		if err != nil {
			m.free()
		}
	}()
	if err := unix.Ftruncate(fd, int64(len(memory))); err != nil {
		return nil, fmt.Errorf("ftruncate: %w", err)
	}
	for _, e := range parts {
		if _, err := unix.Pwrite(fd, e.of(memory), int64(e.from)); err != nil {
			return nil, fmt.Errorf("pwrite: %w", err)
		}
	}
	const seals = unix.F_SEAL_WRITE | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	if len(memory) == 0 {
		return m, nil
	}
	const flags = unix.MAP_PRIVATE | unix.MAP_ANON | unix.MAP_NORESERVE
	if m.bytes, err = unix.Mmap(-1, 0, len(memory), unix.PROT_READ, flags); err != nil {
		return nil, fmt.Errorf("mmap: %w", err)
	}
	if err := m.into(m.bytes, unix.PROT_READ, unix.MAP_SHARED); err != nil {
		return nil, err
	}
	return m, nil
}

// into maps the parts of the snapshot into an address range.
func (m *snapshotFile) into(space []byte, prot, flags int) error {
	flags |= unix.MAP_FIXED | unix.MAP_NORESERVE
	for _, e := range m.parts {
		at := unsafe.Pointer(unsafe.SliceData(e.of(space)))
		if _, err := unix.MmapPtr(m.fd, int64(e.from), at, uintptr(e.to-e.from), prot, flags); err != nil {
			return fmt.Errorf("mapping the snapshot: %w", err)
		}
	}
	return nil
}

func (m *snapshotFile) free() {
	if m.bytes != nil {
		_ = unix.Munmap(m.bytes) // fails only for addresses that are not mapped
	}
	_ = unix.Close(m.fd)
}

// mappedRegion is a region in its own address range: first the snapshot, copy-on-write, then zeros.
// The range has the size of the limit, so the memory never moves. Only the bytes handed out are
// accessible, so that the rest counts for nothing on systems that do not overcommit.
type mappedRegion struct {
	m     *snapshotFile
	space []byte // the whole range
	open  uint64 // accessible bytes
}

func (m *snapshotFile) region(limit uint64) (_ region, err error) {
	limit = max(limit, uint64(len(m.bytes)))
	space, err := unix.Mmap(-1, 0, int(limit), unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("reserving %d bytes of addresses: %w", limit, err)
	}
	r := &mappedRegion{m: m, space: space, open: uint64(len(m.bytes))}
	defer func() {
		if err != nil {
			r.free()
		}
	}()
	// With huge pages, each first write would take 2 MiB. Kernels without them return EINVAL.
	_ = unix.Madvise(space, unix.MADV_NOHUGEPAGE)
	if len(m.bytes) > 0 {
		if err := unix.Mprotect(space[:len(m.bytes)], unix.PROT_READ|unix.PROT_WRITE); err != nil {
			return nil, fmt.Errorf("mprotect: %w", err)
		}
	}
	if err := m.into(space, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE); err != nil {
		return nil, err
	}
	return r, nil
}

// newRegion returns a region without a snapshot, for an instance that shares no memory.
func newRegion(limit uint64) (region, error) { return new(snapshotFile).region(limit) }

// growStep is the minimum by which the accessible part grows, in bytes, so that a guest that grows
// page by page does not cause a system call for each.
const growStep = 1 << 20

func (r *mappedRegion) bytes(size uint64) []byte {
	if size > r.open {
		to := min((size+growStep-1)/growStep*growStep, uint64(len(r.space)))
		if err := unix.Mprotect(r.space[r.open:to], unix.PROT_READ|unix.PROT_WRITE); err != nil {
			return nil
		}
		r.open = to
	}
	return r.space[:size:size]
}

func (r *mappedRegion) restore(high uint64) error {
	if high = max(high, uint64(len(r.m.bytes))); high == 0 {
		return nil
	}
	if err := unix.Madvise(r.space[:high], unix.MADV_DONTNEED); err != nil {
		return fmt.Errorf("madvise: %w", err)
	}
	return nil
}

// after an error the contents are still right
func (r *mappedRegion) trim() { _ = r.restore(r.open) }

func (r *mappedRegion) free() {
	_ = unix.Munmap(r.space) // fails only for addresses that are not mapped
	r.space = nil
}
