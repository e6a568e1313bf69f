package sandbox

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The ioctl PAGEMAP_SCAN of /proc/<pid>/pagemap: https://docs.kernel.org/admin-guide/mm/pagemap.html
const (
	pagemapScan = 0xc0606610 // _IOWR('f', 16, struct pm_scan_arg)

	checkMarks = 1 << 1 // fail where there are no marks

	pageIsWritten = 1 << 1
	pageIsFile    = 1 << 2
	pageIsPresent = 1 << 3
	pageIsSwapped = 1 << 4
	pageIsZero    = 1 << 5 // the zero page that all share
)

// scanArg is struct pm_scan_arg.
type scanArg struct {
	size, flags, start, end, walkEnd, vec, vecLen, maxPages uint64
	inverted, mask, anyOf, returned                         uint64
}

// scanned is struct page_region.
type scanned struct{ start, end, _ uint64 }

const (
	// scanRanges is how many ranges one system call tells; where there are more it is repeated.
	scanRanges = 64
	// keepWritten is how many written pages are copied back, in bytes. They stay the instance's, so that the next call writes to them without a
	// page fault. What a call writes beyond that is dropped, so that one large call does not make the instance large.
	keepWritten = 1 << 20
	// quick is up to which size of a memory, in bytes, a scan is so short that Go's scheduler need not know of it.
	quick = 16 << 20
)

// pagemap is this process's descriptor of /proc/self/pagemap, opened once and never closed: it is a property of the process.
var pagemap = sync.OnceValues(func() (uintptr, error) {
	fd, err := unix.Open("/proc/self/pagemap", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	return uintptr(fd), err
})

// scanner is what a scan passes to the kernel. It is a part of its region, which is on the heap: the kernel is given addresses as
// numbers, and what lies on a goroutine's stack may move.
type scanner struct {
	arg    scanArg
	ranges [scanRanges]scanned
}

// canScan tells whether the kernel finds written pages, and them only. Kernels before 6.7, other kernels and filters of system calls
// do not; so it is tried once.
var canScan = sync.OnceValue(func() bool {
	page := os.Getpagesize()
	image := bytes.Repeat([]byte{1}, 4*page)
	m, err := newMapping(image)
	if err != nil {
		return false
	}
	defer m.free()
	r, err := m.region(uint64(8*page), true)
	if err != nil {
		return false
	}
	defer r.free()
	// One page of each kind is written to, one is read only, the others are left alone.
	b := r.bytes(uint64(8 * page))
	b[page], b[6*page] = 2, 2
	if b[2*page] != 1 || b[5*page] != 0 {
		return false
	}
	written := slices.Clone(b)
	var found []int
	note := func(from, to uint64) error {
		found = append(found, int(from)/page, int(to)/page)
		return nil
	}
	x := r.(*mapped)
	if x.changed(uint64(8*page), note) != nil {
		return false
	}
	return slices.Equal(found, []int{1, 2, 6, 7}) && bytes.Equal(b, written) && x.restore(uint64(8*page)) == nil &&
		bytes.Equal(b, append(image, make([]byte, 4*page)...))
})

// How a scan tells pages that were written to.
const (
	byKind = iota // they are the region's own, in memory or swapped out, and not the image's or the zero page
	byMark        // they have lost their mark
)

// written calls found with each range of pages between from and to that were written to.
func (r *mapped) written(how int, from, to uint64, found func(from, to uint64) error) error {
	if from >= to {
		return nil
	}
	fd, err := pagemap()
	if err != nil {
		return err
	}
	base, arg, ranges := address(r.space), &r.scanner.arg, &r.scanner.ranges
	*arg = scanArg{
		size: uint64(unsafe.Sizeof(*arg)), start: base + from, end: base + to,
		vec: uint64(uintptr(unsafe.Pointer(ranges))), vecLen: scanRanges,
	}
	if how == byMark {
		arg.flags, arg.mask, arg.returned = checkMarks, pageIsWritten, pageIsWritten // these very masks are the kernel's short way
	} else {
		arg.inverted, arg.mask = pageIsFile|pageIsZero, pageIsFile|pageIsZero
		arg.anyOf, arg.returned = pageIsPresent|pageIsSwapped, pageIsPresent
	}
	call := syscall.RawSyscall
	if to-from > quick {
		call = syscall.Syscall
	}
	for {
		n, _, errno := call(unix.SYS_IOCTL, fd, pagemapScan, uintptr(unsafe.Pointer(arg)))
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return fmt.Errorf("scanning for written pages: %w", errno)
		}
		for _, p := range ranges[:n] {
			if err := found(p.start-base, p.end-base); err != nil {
				return err
			}
		}
		if arg.walkEnd >= arg.end {
			return nil
		}
		arg.start = arg.walkEnd
	}
}
