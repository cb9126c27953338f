package control_test

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/hearthd/hearth"
)

// memory keeps functions as store/catalog does, whose texts it has too: the
// imports of the two packages may not meet.
type memory struct {
	mu        sync.Mutex
	revision  uint64
	functions map[version]stored
	aliases   map[version]hearth.Alias // version is the alias's name
	code      map[string][]byte
	objects   map[hearth.S3Object][]byte
	detached  []string // what DeleteFunction was called for
	// overtake is called, once, ahead of the next conditional write.
	overtake func()
}

type version struct {
	name    hearth.Name
	version string
}

type stored struct {
	fn       hearth.Function
	revision uint64
}

func newMemory() *memory {
	return &memory{functions: map[version]stored{}, aliases: map[version]hearth.Alias{}, code: map[string][]byte{}, objects: map[hearth.S3Object][]byte{}}
}

func notFound(name hearth.Name, qualifier string) error {
	return hearth.Errorf(hearth.ErrNotFound, "Function not found: %s", name.ARN(qualifier))
}

func (m *memory) Create(_ context.Context, fn *hearth.Function) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, taken := m.functions[version{fn.Name, fn.Version}]; taken {
		return 0, hearth.Errorf(hearth.ErrConflict, "Function already exist: %s", fn.Name.Function)
	}
	return m.putLocked(fn), nil
}

func (m *memory) putLocked(fn *hearth.Function) uint64 {
	m.revision++
	m.functions[version{fn.Name, fn.Version}] = stored{*fn, m.revision}
	return m.revision
}

func (m *memory) Get(_ context.Context, name hearth.Name, qualifier string) (*hearth.Function, uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.functions[version{name, cmp.Or(qualifier, hearth.Latest)}]
	if !ok {
		return nil, 0, notFound(name, qualifier)
	}
	return &s.fn, s.revision, nil
}

func (m *memory) Update(_ context.Context, fn *hearth.Function, revision uint64) (uint64, error) {
	m.overtaken()
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.checkLocked(fn, revision); err != nil {
		return 0, err
	}
	return m.putLocked(fn), nil
}

// overtaken lets somebody else be faster.
func (m *memory) overtaken() {
	m.mu.Lock()
	overtake := m.overtake
	m.overtake = nil
	m.mu.Unlock()
	if overtake != nil {
		overtake()
	}
}

func (m *memory) checkLocked(fn *hearth.Function, revision uint64) error {
	switch s, ok := m.functions[version{fn.Name, fn.Version}]; {
	case !ok:
		return notFound(fn.Name, "")
	case s.revision != revision:
		return hearth.Errorf(hearth.ErrConflict, "The function could not be updated due to a concurrent update operation.")
	}
	return nil
}

func (m *memory) Delete(_ context.Context, name hearth.Name) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.functions[version{name, hearth.Latest}]; !ok {
		return notFound(name, "")
	}
	maps.DeleteFunc(m.functions, func(v version, _ stored) bool { return v.name == name })
	maps.DeleteFunc(m.aliases, func(v version, _ hearth.Alias) bool { return v.name == name })
	return nil
}

func (m *memory) List(_ context.Context, account, region, marker string, limit int) ([]*hearth.Function, string, error) {
	return page(m.all(), marker, limit, func(fn *hearth.Function) bool {
		return fn.Version == hearth.Latest && fn.Name.Account == account && fn.Name.Region == region
	})
}

// page cuts a page out of a list; its markers are numbers.
func page[T any](all []*T, marker string, limit int, belongs func(*T) bool) (page []*T, next string, err error) {
	at := 0
	if marker != "" {
		if at, err = strconv.Atoi(marker); err != nil {
			return nil, "", hearth.Errorf(hearth.ErrInvalid, "Invalid marker: %s", marker)
		}
	}
	all = slices.DeleteFunc(all, func(entry *T) bool { return !belongs(entry) })
	all = all[min(at, len(all)):]
	if len(all) <= limit {
		return all, "", nil
	}
	return all[:limit], strconv.Itoa(at + limit), nil
}

// all are the functions with their versions, by name and number.
func (m *memory) all() (all []*hearth.Function) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for s := range maps.Values(m.functions) {
		all = append(all, &s.fn)
	}
	slices.SortFunc(all, func(a, b *hearth.Function) int {
		n, _ := hearth.VersionNumber(a.Version)
		o, _ := hearth.VersionNumber(b.Version)
		return cmp.Or(strings.Compare(a.Name.String(), b.Name.String()), n-o, strings.Compare(a.Version, b.Version))
	})
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

// Open makes memory archive's Objects.
func (m *memory) Open(_ context.Context, o hearth.S3Object) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, ok := m.objects[o]
	if !ok {
		return nil, hearth.Errorf(hearth.ErrInvalid, "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.")
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// attached is control's Attached: it notes what goes.
type attached struct{ *memory }

func (m attached) DeleteAlias(ctx context.Context, name hearth.Name, alias string) error {
	return m.DeleteFunction(ctx, name, "alias "+alias)
}

func (m attached) DeleteFunction(_ context.Context, name hearth.Name, qualifier string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.detached = append(m.detached, name.Function+":"+qualifier)
	return nil
}
