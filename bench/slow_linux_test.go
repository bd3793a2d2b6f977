package bench

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"creditledger/bench/measure"
)

// syncs counts the fdatasyncs and fsyncs of this process while they are watched.
var syncs struct {
	watched bool
	n       atomic.Int64
}

// envSyncDelay asks for every fdatasync and fsync of the process to be counted and to
// take that much longer: a slow disk, made of a fast one.
const envSyncDelay = "LEDGER_SYNC_DELAY"

func TestMain(m *testing.M) {
	if text := os.Getenv(envSyncDelay); text != "" {
		delay, err := time.ParseDuration(text)
		if err == nil {
			err = watchSyncs(delay)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", envSyncDelay, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// The structures of seccomp_unotify(2).
type (
	notification struct {
		id         uint64
		pid, flags uint32
		nr         int32
		arch       uint32
		ip         uint64
		args       [6]uint64
	}
	answer struct {
		id    uint64
		value int64
		error int32
		flags uint32
	}
)

const (
	notificationReceive = 0xc0502100
	notificationSend    = 0xc0182101
)

// watchSyncs makes the kernel ask this process before each of its calls of fdatasync and
// fsync, and lets each go on after a delay. It cannot be undone.
func watchSyncs(delay time.Duration) error {
	const number = 0 // offset of the system call's number in what a filter sees
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: number},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_FDATASYNC, Jt: 1},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_FSYNC, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	const flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_TSYNC | unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	listener, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return fmt.Errorf("seccomp: %w", errno)
	}
	syncs.watched = true
	go func() {
		for {
			var asked notification
			if _, _, errno := unix.Syscall(unix.SYS_IOCTL, listener, notificationReceive, uintptr(unsafe.Pointer(&asked))); errno != 0 {
				continue // the thread that asked is gone
			}
			syncs.n.Add(1)
			pause := unix.NsecToTimespec(int64(delay))
			for unix.Nanosleep(&pause, &pause) == unix.EINTR {
			}
			goOn := answer{id: asked.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
			_, _, _ = unix.Syscall(unix.SYS_IOCTL, listener, notificationSend, uintptr(unsafe.Pointer(&goOn)))
		}
	}()
	return nil
}

// BenchmarkSlowDisk counts what is synced, on a disk that is as slow as the
// environment asks for.
func BenchmarkSlowDisk(b *testing.B) {
	if !syncs.watched {
		b.Skipf("set %s, to 2ms for example", envSyncDelay)
	}
	counted := func(name string, writers int, do func(i int) error) {
		b.Run(fmt.Sprintf("delay=%s/%s/writers=%d", os.Getenv(envSyncDelay), name, writers), func(b *testing.B) {
			before := syncs.n.Load()
			measure.Together(b, writers, do)
			b.ReportMetric(float64(syncs.n.Load()-before)/float64(b.N), "syncs/op")
		})
	}
	write := pageWriter(b)
	counted("of=write", 1, func(int) error { return write() })
	table := newTable(b, 0)
	counted("of=put", 1, func(int) error { return table.put(1, table.increasing) })
	l := stores[1].ledger(b, nil)
	ids := grant(b, l, 1)
	for _, writers := range []int{1, 64} {
		counted("of=decrement", writers, func(int) error {
			_, err := l.Do(context.Background(), ids[0], one, "")
			return err
		})
	}
}
