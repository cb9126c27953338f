// Command cmd is the probe as an executable: the process that the conformance
// suite starts in sandboxes.
package main

import (
	"context"
	"io"
	"net"
	"os"
	"time"

	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/sandboxtest/probe"
)

// lifetime bounds every probe, so that none outlives a broken test for long.
const lifetime = 5 * time.Minute

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), lifetime)
	defer cancel()
	dir, _ := os.Getwd()
	os.Exit(probe.Run(ctx, probe.Proc{
		Args:   os.Args[1:],
		Env:    os.Environ(),
		Dir:    dir,
		Stdout: os.Stdout,
		Stderr: os.Stderr,
		Dial: func() (net.Conn, error) {
			return net.DialTimeout("tcp", os.Getenv("AWS_LAMBDA_RUNTIME_API"), 10*time.Second)
		},
		Listen: func(address string) (net.Listener, error) { return net.Listen("tcp4", address) },
		Send:   send,
		Log:    func() io.Writer { return os.NewFile(sandbox.LogFD, "log") },
	}))
}

func send(address string, datagram []byte) error {
	conn, err := net.Dial("udp4", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write(datagram)
	return err
}
