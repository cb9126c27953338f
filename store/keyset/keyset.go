// Package keyset is a sorted set of keys in memory, for drivers whose lists come
// in pages: a page costs about what is in it, however many keys there are.
//
// The keys are kept in chunks of bounded size, each sorted, one after the other:
//
//	[a b c] [f g] [k l m n]
//
// A change moves keys of one chunk only.
package keyset

import (
	"slices"
	"sort"
	"strings"
)

// maxChunk is how many keys a chunk has before it is cut in two.
const maxChunk = 512

// Set is a sorted set. The zero Set is empty. It is for one goroutine at a time.
type Set struct {
	chunks [][]string // none is empty
}

// find returns where a key is, or where it belongs: chunk may be len(s.chunks).
func (s *Set) find(key string) (chunk, at int, found bool) {
	chunk = sort.Search(len(s.chunks), func(i int) bool {
		c := s.chunks[i]
		return c[len(c)-1] >= key
	})
	if chunk < len(s.chunks) {
		at, found = slices.BinarySearch(s.chunks[chunk], key)
	}
	return chunk, at, found
}

// Add puts a key in, unless it is there.
func (s *Set) Add(key string) {
	i, at, found := s.find(key)
	switch {
	case found:
		return
	case len(s.chunks) == 0:
		s.chunks = [][]string{{key}}
		return
	case i == len(s.chunks): // behind the last
		i--
		at = len(s.chunks[i])
	}
	c := slices.Insert(s.chunks[i], at, key)
	s.chunks[i] = c
	if len(c) > maxChunk {
		half := len(c) / 2
		right := slices.Clone(c[half:])
		s.chunks[i] = slices.Delete(c, half, len(c))
		s.chunks = slices.Insert(s.chunks, i+1, right)
	}
}

// Delete takes a key out, if it is there.
func (s *Set) Delete(key string) {
	i, at, found := s.find(key)
	if !found {
		return
	}
	s.chunks[i] = slices.Delete(s.chunks[i], at, at+1)
	if len(s.chunks[i]) == 0 {
		s.chunks = slices.Delete(s.chunks, i, i+1)
	}
}

// Page returns up to limit keys that begin with prefix and sort after after, in
// order. limit 0: all. The caller owns the result.
func (s *Set) Page(prefix, after string, limit int) []string {
	i, at, found := s.find(max(prefix, after))
	if found && after >= prefix {
		at++ // after itself
	}
	var page []string
	for ; i < len(s.chunks); i, at = i+1, 0 {
		for _, key := range s.chunks[i][at:] {
			if !strings.HasPrefix(key, prefix) || limit > 0 && len(page) == limit {
				return page
			}
			page = append(page, key)
		}
	}
	return page
}
