package loopback_test

import (
	"testing"

	"github.com/hearthd/hearth/internal/loopback"
)

func TestAddress_IsLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:4566": true, "127.8.8.8:1": true, "[::1]:4566": true, "localhost:4566": true, "[::ffff:127.0.0.1]:1": true,
		"0.0.0.0:4566": false, ":4566": false, "[::]:4566": false, "192.168.1.7:4566": false, "example.com:80": false, "localhost": false, "": false,
	} {
		if got := loopback.Address(address); got != want {
			t.Errorf("%q: %t", address, got)
		}
	}
}
