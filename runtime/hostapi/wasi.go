package hostapi

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/tetratelabs/wazero/api"
)

// WASI is the module name of WASI preview 1. Its functions and numbers are specified in
// https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md
const WASI = "wasi_snapshot_preview1"

// errno values of WASI preview 1.
const (
	errnoSuccess = 0
	errnoBadf    = 8
	errnoFault   = 21
	errnoInval   = 28
	errnoNosys   = 52
	errnoSpipe   = 70
)

// wasiFunctions returns a WASI that offers only the standard streams, the clock, randomness and
// sleep.
func wasiFunctions() []Function {
	out := []Function{
		wasi("args_get", wasiNothing, i32, i32),
		wasi("args_sizes_get", wasiSizes, i32, i32),
		wasi("environ_get", wasiNothing, i32, i32),
		wasi("environ_sizes_get", wasiSizes, i32, i32),
		wasi("clock_res_get", wasiClockRes, i32, i32),
		wasi("clock_time_get", wasiClockTime, i32, i64, i32),
		wasi("random_get", wasiRandom, i32, i32),
		wasi("poll_oneoff", wasiPoll, i32, i32, i32, i32),
		wasi("sched_yield", wasiNothing),
		wasi("fd_write", wasiWrite, i32, i32, i32, i32),
		wasi("fd_read", wasiRead, i32, i32, i32, i32),
		wasi("fd_fdstat_get", wasiFdstat, i32, i32),
		wasi("fd_seek", wasiSeek, i32, i64, i32, i32),
	}
	exit := wasi("proc_exit", func(_ context.Context, _ api.Module, stack []uint64) { panic(ExitError{uint32(stack[0])}) }, i32)
	exit.Results = nil
	out = append(out, exit)

	// There are no file descriptors, so these functions always fail.
	bad := func(name string, params ...api.ValueType) {
		out = append(out, wasi(name, wasiErrno(errnoBadf), params...))
	}
	bad("fd_advise", i32, i64, i64, i32)
	bad("fd_allocate", i32, i64, i64)
	bad("fd_close", i32)
	bad("fd_datasync", i32)
	bad("fd_fdstat_set_flags", i32, i32)
	bad("fd_fdstat_set_rights", i32, i64, i64)
	bad("fd_filestat_get", i32, i32)
	bad("fd_filestat_set_size", i32, i64)
	bad("fd_filestat_set_times", i32, i64, i64, i32)
	bad("fd_pread", i32, i32, i32, i64, i32)
	bad("fd_prestat_dir_name", i32, i32, i32)
	bad("fd_prestat_get", i32, i32)
	bad("fd_pwrite", i32, i32, i32, i64, i32)
	bad("fd_readdir", i32, i32, i32, i64, i32)
	bad("fd_renumber", i32, i32)
	bad("fd_sync", i32)
	bad("fd_tell", i32, i32)
	bad("path_create_directory", i32, i32, i32)
	bad("path_filestat_get", i32, i32, i32, i32, i32)
	bad("path_filestat_set_times", i32, i32, i32, i32, i64, i64, i32)
	bad("path_link", i32, i32, i32, i32, i32, i32, i32)
	bad("path_open", i32, i32, i32, i32, i32, i64, i64, i32, i32)
	bad("path_readlink", i32, i32, i32, i32, i32, i32)
	bad("path_remove_directory", i32, i32, i32)
	bad("path_rename", i32, i32, i32, i32, i32, i32)
	bad("path_symlink", i32, i32, i32, i32, i32)
	bad("path_unlink_file", i32, i32, i32)
	bad("sock_accept", i32, i32, i32)
	bad("sock_recv", i32, i32, i32, i32, i32, i32)
	bad("sock_send", i32, i32, i32, i32, i32)
	bad("sock_shutdown", i32, i32)
	return append(out, wasi("proc_raise", wasiErrno(errnoNosys), i32))
}

func wasi(name string, call api.GoModuleFunc, params ...api.ValueType) Function {
	return Function{Module: WASI, Name: name, Params: params, Results: types(i32), call: call}
}

func wasiErrno(errno uint64) api.GoModuleFunc {
	return func(_ context.Context, _ api.Module, stack []uint64) { stack[0] = errno }
}

// store writes b to the guest's memory. errno is the guest's result.
func (s *Session) store(m api.Module, ptr uint64, b []byte) (errno uint64) {
	if !s.Memory.Write(m, uint32(ptr), b) {
		return errnoFault
	}
	return errnoSuccess
}

func (s *Session) store32(m api.Module, ptr uint64, v uint32) (errno uint64) {
	return s.store(m, ptr, binary.LittleEndian.AppendUint32(nil, v))
}

func (s *Session) store64(m api.Module, ptr uint64, v uint64) (errno uint64) {
	return s.store(m, ptr, binary.LittleEndian.AppendUint64(nil, v))
}

// wasiNothing succeeds without doing anything: there are no arguments and no environment, and
// yielding needs no work.
func wasiNothing(_ context.Context, _ api.Module, stack []uint64) {
	stack[0] = errnoSuccess
}

// wasiSizes returns the number and the length in bytes of arguments or variables, both 0.
func wasiSizes(ctx context.Context, m api.Module, stack []uint64) {
	s := session(ctx)
	errno := s.store32(m, stack[0], 0)
	if errno == errnoSuccess {
		errno = s.store32(m, stack[1], 0)
	}
	stack[0] = errno
}

// Clocks of WASI.
const (
	clockRealtime  = 0
	clockMonotonic = 1
)

func wasiClockRes(ctx context.Context, m api.Module, stack []uint64) {
	if uint32(stack[0]) > clockMonotonic {
		stack[0] = errnoInval
		return
	}
	stack[0] = session(ctx).store64(m, stack[1], uint64(time.Microsecond))
}

// wasiClockTime returns the time. Both clocks show the same, so that the monotonic one does not
// reveal more than the capability clock allows.
func wasiClockTime(ctx context.Context, m api.Module, stack []uint64) {
	if uint32(stack[0]) > clockMonotonic {
		stack[0] = errnoInval
		return
	}
	s := session(ctx)
	stack[0] = s.store64(m, stack[2], uint64(s.now().UnixNano()))
}

// wasiRandom returns real randomness with the capability random. Without it, it returns the ChaCha8
// stream of the session's seed (https://c2sp.org/chacha8rand), which an offline replay reproduces.
func wasiRandom(ctx context.Context, m api.Module, stack []uint64) {
	s := session(ctx)
	if uint32(stack[1]) > maxRandom {
		stack[0] = errnoInval
		return
	}
	b, ok := s.Memory.Writable(m, uint32(stack[0]), uint32(stack[1]))
	if !ok {
		stack[0] = errnoFault
		return
	}
	s.charge(len(b))
	switch {
	case s.Grants.Random:
		s.Live = true
		_, _ = crand.Read(b) // never fails: https://pkg.go.dev/crypto/rand#Read
	default:
		if s.random == nil {
			var seed [32]byte
			if s.Seed != nil {
				seed = s.Seed()
			}
			s.random = rand.NewChaCha8(seed)
		}
		_, _ = s.random.Read(b) // never fails either
	}
	stack[0] = errnoSuccess
}

// Limits of one fd_write. Bytes over maxWrite are left to the guest's next call: nothing interrupts
// the host while it reads them, and a guest can name the same megabytes a thousand times.
const (
	maxVectors = 1024
	maxWrite   = 64 << 10 // bytes
)

// vectors returns a list of iovecs, each a pointer and a length, and charges for reading it.
func (s *Session) vectors(m api.Module, ptr, count uint64) (vectors []byte, errno uint64) {
	if uint32(count) > maxVectors {
		return nil, errnoInval
	}
	vectors, ok := s.Memory.Read(m, uint32(ptr), 8*uint32(count))
	if !ok {
		return nil, errnoFault
	}
	s.charge(costVector * int(uint32(count)))
	return vectors, errnoSuccess
}

// wasiWrite writes to standard output or error.
func wasiWrite(ctx context.Context, m api.Module, stack []uint64) {
	fd := uint32(stack[0])
	if fd != 1 && fd != 2 {
		stack[0] = errnoBadf
		return
	}
	s := session(ctx)
	vectors, errno := s.vectors(m, stack[1], stack[2])
	if errno != errnoSuccess {
		stack[0] = errno
		return
	}
	var written uint32
	for ; len(vectors) > 0 && written < maxWrite; vectors = vectors[8:] {
		b, ok := s.Memory.Read(m, binary.LittleEndian.Uint32(vectors), binary.LittleEndian.Uint32(vectors[4:]))
		if !ok {
			stack[0] = errnoFault
			return
		}
		b = b[:min(len(b), int(maxWrite-written))]
		s.charge(len(b))
		s.write(int(fd)-1, b)
		written += uint32(len(b))
	}
	stack[0] = s.store32(m, stack[3], written)
}

// wasiRead reads standard input, which is empty except for WASI commands.
func wasiRead(ctx context.Context, m api.Module, stack []uint64) {
	if uint32(stack[0]) != 0 {
		stack[0] = errnoBadf
		return
	}
	s := session(ctx)
	vectors, errno := s.vectors(m, stack[1], stack[2])
	if errno != errnoSuccess {
		stack[0] = errno
		return
	}
	var got uint32
	for ; s.piped != nil && len(vectors) > 0 && len(s.piped.in) > 0; vectors = vectors[8:] {
		ptr, n := binary.LittleEndian.Uint32(vectors), binary.LittleEndian.Uint32(vectors[4:])
		if _, ok := s.Memory.Read(m, ptr, n); !ok {
			stack[0] = errnoFault
			return
		}
		n = min(n, uint32(len(s.piped.in)))
		s.charge(int(n))
		s.Memory.Write(m, ptr, s.piped.in[:n])
		s.piped.in = s.piped.in[n:]
		got += n
	}
	stack[0] = s.store32(m, stack[3], got)
}

// wasiFdstat describes descriptors 0 to 2 as streams: fs_filetype character_device, no flags, the
// right to read or write.
func wasiFdstat(ctx context.Context, m api.Module, stack []uint64) {
	fd := uint32(stack[0])
	if fd > 2 {
		stack[0] = errnoBadf
		return
	}
	const characterDevice, rightRead, rightWrite = 2, 1 << 1, 1 << 6
	var stat [24]byte
	stat[0] = characterDevice
	rights := uint64(rightWrite)
	if fd == 0 {
		rights = rightRead
	}
	binary.LittleEndian.PutUint64(stat[8:], rights)
	stack[0] = session(ctx).store(m, stack[1], stat[:])
}

// wasiSeek fails: streams cannot seek.
func wasiSeek(_ context.Context, _ api.Module, stack []uint64) {
	if uint32(stack[0]) > 2 {
		stack[0] = errnoBadf
		return
	}
	stack[0] = errnoSpipe
}
