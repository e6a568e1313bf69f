package sandbox

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// snapshotFile is an image in a sealed file without a name, in memory: regions share its pages until
// they write to them. Only the parts that are not all zeros are ever mapped from the file: who
// reads a hole in it makes Linux fill that.
type snapshotFile struct {
	fd    int
	parts []extent
	bytes []byte // the image, read-only
}

const canShare = true

// newSnapshotFile copies those parts of a memory into a file.
func newSnapshotFile(memory []byte, parts []extent) (_ *snapshotFile, err error) {
	fd, err := unix.MemfdCreate("flowtrux-image", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
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

// into maps the parts of the image into an address range.
func (m *snapshotFile) into(space []byte, prot, flags int) error {
	flags |= unix.MAP_FIXED | unix.MAP_NORESERVE
	for _, e := range m.parts {
		at := unsafe.Pointer(unsafe.SliceData(e.of(space)))
		if _, err := unix.MmapPtr(m.fd, int64(e.from), at, uintptr(e.to-e.from), prot, flags); err != nil {
			return fmt.Errorf("mapping the image: %w", err)
		}
	}
	return nil
}

func (m *snapshotFile) free() {
	if m.bytes != nil {
		_ = unix.Munmap(m.bytes) // fails only for what is no mapping
	}
	_ = unix.Close(m.fd)
}

// mappedRegion is a region in an address range of its own: first the image, copy on write, then zeros.
// The range has the size of the limit, so that the memory never moves, and can be touched only as
// far as it was handed out, so that it counts for nothing where the system does not overcommit.
type mappedRegion struct {
	m     *snapshotFile
	space []byte // the whole range
	open  uint64 // bytes that can be touched
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
	// Huge pages would make each first write cost, and keep, 2 MiB. Kernels without them answer
	// EINVAL.
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

// newRegion makes a region of an instance that has its memory for itself.
func newRegion(limit uint64) (region, error) { return new(snapshotFile).region(limit) }

// growStep is by how much more of the range is opened at least, in bytes: a guest that grows page by
// page would have a system call for each.
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

func (r *mappedRegion) trim() { _ = r.restore(r.open) } // what is not given back stays right

func (r *mappedRegion) free() {
	_ = unix.Munmap(r.space) // fails only for what is no mapping
	r.space = nil
}
