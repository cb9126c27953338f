package control_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/hearthd/hearth"
)

// memory keeps functions as store/catalog does, whose texts it has too: the
// imports of the two packages may not meet.
type memory struct {
	mu        sync.Mutex
	revision  uint64
	functions map[hearth.Name]stored
	code      map[string][]byte
}

type stored struct {
	fn       hearth.Function
	revision uint64
}

func newMemory() *memory {
	return &memory{functions: map[hearth.Name]stored{}, code: map[string][]byte{}}
}

func (m *memory) Create(_ context.Context, fn *hearth.Function) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, taken := m.functions[fn.Name]; taken {
		return 0, hearth.Errorf(hearth.ErrConflict, "Function already exist: %s", fn.Name.Function)
	}
	return m.putLocked(fn), nil
}

func (m *memory) putLocked(fn *hearth.Function) uint64 {
	m.revision++
	m.functions[fn.Name] = stored{*fn, m.revision}
	return m.revision
}

func (m *memory) Get(_ context.Context, name hearth.Name, qualifier string) (*hearth.Function, uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.functions[name]
	if !ok || qualifier != "" && qualifier != hearth.Latest {
		return nil, 0, hearth.Errorf(hearth.ErrNotFound, "Function not found: %s", name.ARN(qualifier))
	}
	return &s.fn, s.revision, nil
}

func (m *memory) Update(_ context.Context, fn *hearth.Function, revision uint64) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch s, ok := m.functions[fn.Name]; {
	case !ok:
		return 0, hearth.Errorf(hearth.ErrNotFound, "Function not found: %s", fn.Name.ARN(""))
	case s.revision != revision:
		return 0, hearth.Errorf(hearth.ErrConflict, "The function could not be updated due to a concurrent update operation.")
	}
	return m.putLocked(fn), nil
}

func (m *memory) Delete(_ context.Context, name hearth.Name) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.functions[name]; !ok {
		return hearth.Errorf(hearth.ErrNotFound, "Function not found: %s", name.ARN(""))
	}
	delete(m.functions, name)
	return nil
}

func (m *memory) List(_ context.Context, account, region, marker string, limit int) (page []*hearth.Function, next string, err error) {
	after, err := base64.StdEncoding.DecodeString(marker)
	if err != nil {
		return nil, "", hearth.Errorf(hearth.ErrInvalid, "Invalid marker: %s", marker)
	}
	for _, fn := range m.all() {
		if fn.Name.Account != account || fn.Name.Region != region || fn.Name.Function <= string(after) {
			continue
		}
		if len(page) == limit {
			return page, base64.StdEncoding.EncodeToString([]byte(page[limit-1].Name.Function)), nil
		}
		page = append(page, fn)
	}
	return page, "", nil
}

// all are the functions, by name.
func (m *memory) all() (all []*hearth.Function) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for s := range maps.Values(m.functions) {
		all = append(all, &s.fn)
	}
	slices.SortFunc(all, func(a, b *hearth.Function) int { return strings.Compare(a.Name.String(), b.Name.String()) })
	return all
}

func (m *memory) PutCode(_ context.Context, digest string, r io.Reader) (func(), error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.code[digest] = data
	return func() {}, nil
}

func (m *memory) OpenCode(_ context.Context, digest string) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, ok := m.code[digest]
	if !ok {
		return nil, hearth.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}
