package edgetest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/hearthd/hearth"
)

// ByFunction keeps what belongs to functions in memory, as store/records does.
// The zero one is empty.
type ByFunction[T any] struct {
	// Err is what every method returns, unless it is nil. Set it between uses.
	Err error

	table table[T]
}

// Get is store/records's.
func (b *ByFunction[T]) Get(_ context.Context, name hearth.Name, qualifier string) (*T, error) {
	return b.table.get(functionKey(name, qualifier), b.Err)
}

// Create is store/records's.
func (b *ByFunction[T]) Create(_ context.Context, name hearth.Name, qualifier string, v *T) error {
	return b.table.create(functionKey(name, qualifier), v, b.Err)
}

// Put is store/records's.
func (b *ByFunction[T]) Put(_ context.Context, name hearth.Name, qualifier string, v *T) error {
	return b.table.put(functionKey(name, qualifier), v, b.Err)
}

// Update is store/records's.
func (b *ByFunction[T]) Update(_ context.Context, name hearth.Name, qualifier string, change func(*T) error) (*T, error) {
	return b.table.update(functionKey(name, qualifier), change, b.Err)
}

// Delete is store/records's.
func (b *ByFunction[T]) Delete(_ context.Context, name hearth.Name, qualifier string) error {
	_, err := b.table.delete(functionKey(name, qualifier), nil, b.Err)
	return err
}

// List is store/records's.
func (b *ByFunction[T]) List(_ context.Context, name hearth.Name, after string, limit int) ([]*T, string, error) {
	return b.table.list(functionKey(name, "")+"/", after, limit, b.Err)
}

// ListAll is store/records's.
func (b *ByFunction[T]) ListAll(_ context.Context, account, region string) ([]*T, error) {
	all, _, err := b.table.list(account+"/"+region+"/", "", 0, b.Err)
	return all, err
}

func functionKey(name hearth.Name, qualifier string) string {
	key := name.Account + "/" + name.Region + "/" + name.Function
	if qualifier != "" {
		key += "/" + qualifier
	}
	return key
}

// ByID keeps what has an id of its own in memory, as store/records does. The
// zero one is empty.
type ByID[T any] struct {
	// Err is what every method returns, unless it is nil. Set it between uses.
	Err error

	table table[T]
}

// Get is store/records's.
func (b *ByID[T]) Get(_ context.Context, account, region, id string) (*T, error) {
	return b.table.get(account+"/"+region+"/"+id, b.Err)
}

// Create is store/records's.
func (b *ByID[T]) Create(_ context.Context, account, region, id string, v *T) error {
	return b.table.create(account+"/"+region+"/"+id, v, b.Err)
}

// Update is store/records's.
func (b *ByID[T]) Update(_ context.Context, account, region, id string, change func(*T) error) (*T, error) {
	return b.table.update(account+"/"+region+"/"+id, change, b.Err)
}

// Delete is store/records's.
func (b *ByID[T]) Delete(_ context.Context, account, region, id string, check func(*T) error) (*T, error) {
	return b.table.delete(account+"/"+region+"/"+id, check, b.Err)
}

// List is store/records's.
func (b *ByID[T]) List(_ context.Context, account, region, after string, limit int) ([]*T, string, error) {
	return b.table.list(account+"/"+region+"/", after, limit, b.Err)
}

// table has records as they are stored: in JSON, so that no caller shares memory
// with it.
type table[T any] struct {
	mu      sync.Mutex
	records map[string][]byte
}

func (t *table[T]) get(key string, fail error) (*T, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if fail != nil {
		return nil, fail
	}
	return t.getLocked(key)
}

func (t *table[T]) getLocked(key string) (*T, error) {
	stored, ok := t.records[key]
	if !ok {
		return nil, fmt.Errorf("record %s: %w", key, hearth.ErrNotFound)
	}
	v := new(T)
	return v, json.Unmarshal(stored, v)
}

func (t *table[T]) create(key string, v *T, fail error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, taken := t.records[key]; taken && fail == nil {
		fail = fmt.Errorf("record %s: %w", key, hearth.ErrConflict)
	}
	return t.putLocked(key, v, fail)
}

func (t *table[T]) put(key string, v *T, fail error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.putLocked(key, v, fail)
}

func (t *table[T]) putLocked(key string, v *T, fail error) error {
	stored, err := json.Marshal(v)
	if err = cmp.Or(fail, err); err != nil {
		return err
	}
	if t.records == nil {
		t.records = map[string][]byte{}
	}
	t.records[key] = stored
	return nil
}

func (t *table[T]) update(key string, change func(*T) error, fail error) (*T, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if fail != nil {
		return nil, fail
	}
	v, err := t.getLocked(key)
	if err == nil {
		err = change(v)
	}
	if err == nil {
		err = t.putLocked(key, v, nil)
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (t *table[T]) delete(key string, check func(*T) error, fail error) (*T, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if fail != nil {
		return nil, fail
	}
	v, err := t.getLocked(key)
	if err == nil && check != nil {
		err = check(v)
	}
	if err != nil {
		return nil, err
	}
	delete(t.records, key)
	return v, nil
}

// list returns up to limit records whose keys begin with a prefix, in the order
// of their keys; all when limit is 0. next is the rest of the last key, when
// there are more.
func (t *table[T]) list(prefix, after string, limit int, fail error) (page []*T, next string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if fail != nil {
		return nil, "", fail
	}
	page = []*T{}
	last := ""
	for _, key := range slices.Sorted(maps.Keys(t.records)) {
		rest, ok := strings.CutPrefix(key, prefix)
		if !ok || rest <= after {
			continue
		}
		if limit > 0 && len(page) == limit {
			return page, last, nil
		}
		v, err := t.getLocked(key)
		if err != nil {
			return nil, "", err
		}
		page, last = append(page, v), rest
	}
	return page, "", nil
}
