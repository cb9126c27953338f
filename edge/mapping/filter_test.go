package mapping_test

import (
	"encoding/json"
	"testing"

	"github.com/hearthd/hearth/edge/mapping"
)

func TestValidPattern_Forms(t *testing.T) {
	for pattern, want := range map[string]bool{
		`{"body":{"a":["x",1,true,null]}}`:                true,
		`{"body":{"a":[{"prefix":"x"},{"suffix":"y"}]}}`:  true,
		`{"a":[{"anything-but":["x",1]}]}`:                true,
		`{"a":[{"anything-but":{"prefix":"x"}}]}`:         true,
		`{"a":[{"numeric":[">",0,"<=",5]}]}`:              true,
		`{"a":[{"exists":false}],"b":[""]}`:               true,
		`{"a":[{"prefix":{"equals-ignore-case":"x"}}]}`:   true,
		`{"$or":[{"a":["x"]},{"b":[{"wildcard":"x*"}]}]}`: true,
		`{"dynamodb":{"Keys":{"id":{"S":["1"]}}}}`:        true,
		``:                                    false,
		`"simple string"`:                     false,
		`null`:                                false,
		`{}`:                                  false,
		`{"a":{}}`:                            false,
		`{"eventSource":"aws:sqs"}`:           false,
		`{"eventSource":[]}`:                  false,
		`{"a":[["x"]]}`:                       false,
		`{"a":[{"prefix":1}]}`:                false,
		`{"a":[{"prefix":"x","suffix":"y"}]}`: false,
		`{"a":[{"numeric":["~",1]}]}`:         false,
		`{"a":[{"numeric":["<","1"]}]}`:       false,
		`{"a":[{"numeric":["<"]}]}`:           false,
		`{"a":[{"exists":"yes"}]}`:            false,
		`{"a":[{"anything-but":[]}]}`:         false,
		`{"a":[{"anything-but":{"exists":"x"}}]}`: false,
		`{"a":[{"unknown":"x"}]}`:                 false,
		`{"$or":["x"]}`:                           false,
		`{"a":["x"]} trailing`:                    false,
	} {
		if got := mapping.ValidPattern(pattern); got != want {
			t.Errorf("%s: %v, want %v", pattern, got, want)
		}
	}
}

func FuzzValidPattern(f *testing.F) {
	for _, seed := range []string{`{"a":["x",{"numeric":[">",0]}]}`, `{"$or":[{"a":[null]}]}`, `{"a":[{"anything-but":{"suffix":["x"]}}]}`, `[`, `{"a":{"a":{}}}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		if !mapping.ValidPattern(pattern) {
			return
		}
		// What is accepted stays so however it is written, and within another.
		var v any
		if err := json.Unmarshal([]byte(pattern), &v); err != nil {
			t.Fatalf("%q is no JSON: %v", pattern, err)
		}
		again, err := json.Marshal(map[string]any{"within": v})
		if err != nil || !mapping.ValidPattern(string(again)) {
			t.Errorf("%s was accepted, %s is not", pattern, again)
		}
	})
}
