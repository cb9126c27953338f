package daemon

import (
	"net"
	"testing"
)

func TestWithPort_KeepsTheHost(t *testing.T) {
	bound := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 41234}
	for listen, want := range map[string]string{
		"localhost:0":    "localhost:41234",
		"localhost:http": "localhost:41234",
		"[::1]:0":        "[::1]:41234",
		":0":             ":41234",
	} {
		if got := withPort(listen, bound); got != want {
			t.Errorf("%s: %s, want %s", listen, got, want)
		}
	}
}
