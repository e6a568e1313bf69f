package sandbox

import (
	"fmt"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// This file lets the kernel note which pages of a mapping are written to, by asynchronous write protection (Linux 6.7): a page that is
// marked loses its mark at the first write, and nobody is told. A scan then has to look at marks only. Without them it
// has to look at what each page is, which takes thirty times as long for a page that is read but not written to. A mark that is lost for
// another reason makes a page be copied back in vain, and no more.
// https://docs.kernel.org/admin-guide/mm/userfaultfd.html

// Numbers of <linux/userfaultfd.h>.
const (
	userModeOnly = 1

	ioctlAPI      = 0xc018aa3f // _IOWR(0xaa, 0x3f, struct uffdio_api)
	ioctlRegister = 0xc020aa00 // _IOWR(0xaa, 0x00, struct uffdio_register)
	ioctlProtect  = 0xc018aa06 // _IOWR(0xaa, 0x06, struct uffdio_writeprotect)

	apiVersion      = 0xaa
	featureShared   = 1 << 12 // marks in files, of which ours is one
	featureAsync    = 1 << 15
	modeRegisterWP  = 1 << 1
	modeProtectedWP = 1 << 0
)

// tracker is this process's descriptor for marks, -1 where there are none. It is opened once and never closed.
var tracker = sync.OnceValue(func() int {
	fd, _, errno := unix.Syscall(unix.SYS_USERFAULTFD, unix.O_CLOEXEC|unix.O_NONBLOCK|userModeOnly, 0, 0)
	if errno != 0 {
		return -1
	}
	api := struct{ api, features, ioctls uint64 }{apiVersion, featureShared | featureAsync, 0}
	if err := track(int(fd), ioctlAPI, unsafe.Pointer(&api)); err != nil {
		_ = unix.Close(int(fd))
		return -1
	}
	return int(fd)
})

func track(fd int, request uintptr, arg unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg)); errno != 0 {
		return fmt.Errorf("tracking writes: %w", errno)
	}
	return nil
}

// register makes marks possible for pages, which are whole mappings.
func register(pages []byte) error {
	r := struct{ start, len, mode, ioctls uint64 }{address(pages), uint64(len(pages)), modeRegisterWP, 0}
	return track(tracker(), ioctlRegister, unsafe.Pointer(&r))
}

// mark marks pages as not written to. They must be what the image is.
func mark(pages []byte) error {
	p := struct{ start, len, mode uint64 }{address(pages), uint64(len(pages)), modeProtectedWP}
	return track(tracker(), ioctlProtect, unsafe.Pointer(&p))
}

func address(b []byte) uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }
