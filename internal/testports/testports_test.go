package testports

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"testing"
)

// child is the environment variable that makes this binary reserve ports until its input ends.
const child = "FLOWTRUX_TESTPORTS"

func TestMain(m *testing.M) {
	if os.Getenv(child) == "" {
		os.Exit(m.Run())
	}
	for range perProcess {
		a, err := Reserve()
		if err != nil {
			panic(err)
		}
		os.Stdout.WriteString(a.String() + "\n")
	}
	os.Stdout.Close()
	os.Stdin.Read(make([]byte, 1)) // holds them
}

const perProcess = 200

// Several processes reserve at the same time. No port is reserved twice.
func TestReserve(t *testing.T) {
	const processes = 8
	taken := make(map[string]bool)
	var outputs []*bufio.Scanner
	for range processes {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), child+"=1")
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			in.Close()
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		}()
		outputs = append(outputs, bufio.NewScanner(out))
	}
	for _, out := range outputs {
		for out.Scan() {
			address := out.Text()
			if taken[address] {
				t.Errorf("%s is reserved twice", address)
			}
			taken[address] = true
		}
	}
	if len(taken) != processes*perProcess {
		t.Errorf("%d ports are reserved, want %d", len(taken), processes*perProcess)
	}
}

func TestIsFree(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "0.0.0.0:0"} {
		l, err := net.Listen("tcp4", address)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if isFree(l.Addr().(*net.TCPAddr).Port) {
			t.Errorf("a port on which %s listens is free", address)
		}
	}
}
