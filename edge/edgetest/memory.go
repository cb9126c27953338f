package edgetest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/hearthd/hearth"
)

// Memory keeps functions, their code, versions and aliases as store/catalog does,
// whose texts it has too: the imports of the two packages may not meet. Markers
// of its lists are numbers.
type Memory struct {
	// Objects are what S3 has; set them before they are asked for.
	Objects map[hearth.S3Object][]byte
	// Overtake is called, once, ahead of the next conditional write. Set it when
	// nothing writes.
	Overtake func()

	mu        sync.Mutex
	revision  uint64
	functions map[version]stored
	aliases   map[version]hearth.Alias // version is the alias's name
	code      map[string][]byte
}

type version struct {
	name    hearth.Name
	version string
}

type stored struct {
	fn       hearth.Function
	revision uint64
}

// NewMemory returns one without functions.
func NewMemory() *Memory {
	return &Memory{functions: map[version]stored{}, aliases: map[version]hearth.Alias{}, code: map[string][]byte{}, Objects: map[hearth.S3Object][]byte{}}
}

func notFound(name hearth.Name, qualifier string) error {
	return hearth.Errorf(hearth.ErrNotFound, "Function not found: %s", name.ARN(qualifier))
}

// Create is store/catalog's.
func (m *Memory) Create(_ context.Context, fn *hearth.Function) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, taken := m.functions[version{fn.Name, fn.Version}]; taken {
		return 0, hearth.Errorf(hearth.ErrConflict, "Function already exist: %s", fn.Name.Function)
	}
	return m.putLocked(fn), nil
}

func (m *Memory) putLocked(fn *hearth.Function) uint64 {
	m.revision++
	m.functions[version{fn.Name, fn.Version}] = stored{*fn, m.revision}
	return m.revision
}

// Get is store/catalog's.
func (m *Memory) Get(_ context.Context, name hearth.Name, qualifier string) (*hearth.Function, uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.functions[version{name, cmp.Or(qualifier, hearth.Latest)}]
	if !ok {
		return nil, 0, notFound(name, qualifier)
	}
	return &s.fn, s.revision, nil
}

// Update is store/catalog's.
func (m *Memory) Update(_ context.Context, fn *hearth.Function, revision uint64) (uint64, error) {
	m.overtaken()
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.checkLocked(fn, revision); err != nil {
		return 0, err
	}
	return m.putLocked(fn), nil
}

// attempts is how often Modify starts over when others are ahead of it.
const attempts = 8

// Modify is store/catalog's.
func (m *Memory) Modify(ctx context.Context, name hearth.Name, qualifier string, change func(*hearth.Function) error) (*hearth.Function, error) {
	for attempt := 1; ; attempt++ {
		fn, revision, err := m.Get(ctx, name, qualifier)
		if err != nil {
			return nil, err
		}
		if err := change(fn); err != nil {
			return nil, err
		}
		if _, err = m.Update(ctx, fn, revision); err == nil {
			return fn, nil
		}
		if !errors.Is(err, hearth.ErrConflict) || attempt == attempts {
			return nil, err
		}
	}
}

// overtaken lets somebody else be faster.
func (m *Memory) overtaken() {
	m.mu.Lock()
	overtake := m.Overtake
	m.Overtake = nil
	m.mu.Unlock()
	if overtake != nil {
		overtake()
	}
}

func (m *Memory) checkLocked(fn *hearth.Function, revision uint64) error {
	switch s, ok := m.functions[version{fn.Name, fn.Version}]; {
	case !ok:
		return notFound(fn.Name, "")
	case s.revision != revision:
		return hearth.Errorf(hearth.ErrConflict, "The function could not be updated due to a concurrent update operation.")
	}
	return nil
}

// Delete is store/catalog's.
func (m *Memory) Delete(_ context.Context, name hearth.Name) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.functions[version{name, hearth.Latest}]; !ok {
		return notFound(name, "")
	}
	maps.DeleteFunc(m.functions, func(v version, _ stored) bool { return v.name == name })
	maps.DeleteFunc(m.aliases, func(v version, _ hearth.Alias) bool { return v.name == name })
	return nil
}

// List is store/catalog's.
func (m *Memory) List(_ context.Context, account, region, marker string, limit int) ([]*hearth.Function, string, error) {
	return page(m.All(), marker, limit, func(fn *hearth.Function) bool {
		return fn.Version == hearth.Latest && fn.Name.Account == account && fn.Name.Region == region
	})
}

// page cuts a page out of a list.
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

// All returns the functions with their versions, by name and number.
func (m *Memory) All() (all []*hearth.Function) {
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

// PutCode is store/catalog's.
func (m *Memory) PutCode(_ context.Context, digest string, r io.Reader) (func(), error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.code[digest] = data
	return func() {}, nil
}

// OpenCode is store/catalog's.
func (m *Memory) OpenCode(_ context.Context, digest string) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, ok := m.code[digest]
	if !ok {
		return nil, hearth.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// Open reads one of Objects.
func (m *Memory) Open(_ context.Context, o hearth.S3Object) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, ok := m.Objects[o]
	if !ok {
		return nil, hearth.Errorf(hearth.ErrInvalid, "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.")
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// Detached notes what was to be deleted along with functions and aliases.
type Detached struct {
	mu    sync.Mutex
	names []string
}

// Names returns what was deleted: "<function>:<qualifier>", with "alias " ahead
// of the name of an alias.
func (d *Detached) Names() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.names)
}

// DeleteAlias notes an alias.
func (d *Detached) DeleteAlias(ctx context.Context, name hearth.Name, alias string) error {
	return d.DeleteFunction(ctx, name, "alias "+alias)
}

// DeleteFunction notes a function, or a version of it.
func (d *Detached) DeleteFunction(_ context.Context, name hearth.Name, qualifier string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.names = append(d.names, name.Function+":"+qualifier)
	return nil
}
