package kv_test

import (
	"strings"
	"testing"

	"github.com/hearthd/hearth/store/jetstream/kv"
)

func FuzzEncodeKey(f *testing.F) {
	for _, key := range []string{"a/b", "/", "a//b", "$LATEST", "=", "é", "a.b", "*", ">", " ", "\x00"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		subject := kv.EncodeKey(key)
		for _, token := range strings.Split(subject, ".") {
			if token == "" || strings.Trim(token, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=") != "" {
				t.Fatalf("%q becomes %q, not a subject of a bucket", key, subject)
			}
		}
		if back, err := kv.DecodeKey(subject); err != nil || back != key {
			t.Fatalf("%q becomes %q and then %q, error %v", key, subject, back, err)
		}
	})
}

func FuzzDecodeKey(f *testing.F) {
	for _, subject := range []string{"a.b", "=", "=2E", "=2e", "=61", "=2F", "a..b", ""} {
		f.Add(subject)
	}
	f.Fuzz(func(t *testing.T, subject string) {
		if key, err := kv.DecodeKey(subject); err == nil && kv.EncodeKey(key) != subject {
			t.Fatalf("%q is decoded to %q, which is encoded as %q", subject, key, kv.EncodeKey(key))
		}
	})
}
