package edgetest

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/hearthd/hearth"
)

// Publish is store/catalog's.
func (m *Memory) Publish(_ context.Context, v, latest *hearth.Function, revision uint64) (uint64, error) {
	m.overtaken()
	m.mu.Lock()
	defer m.mu.Unlock()
	_, exists := m.functions[version{latest.Name, hearth.Latest}]
	if revision == 0 && exists {
		return 0, hearth.Errorf(hearth.ErrConflict, "Function already exist: %s", latest.Name.Function)
	}
	if revision != 0 {
		if err := m.checkLocked(latest, revision); err != nil {
			return 0, err
		}
	}
	m.putLocked(v)
	return m.putLocked(latest), nil
}

// DeleteVersion is store/catalog's.
func (m *Memory) DeleteVersion(_ context.Context, name hearth.Name, v string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.functions[version{name, v}]; !ok {
		return notFound(name, v)
	}
	for _, a := range m.aliases {
		if a.Function == name && a.PointsTo(v) {
			return hearth.Errorf(hearth.ErrConflict, "Unable to delete version because the following aliases reference it: [%s]", a.Name)
		}
	}
	delete(m.functions, version{name, v})
	return nil
}

// ListVersions is store/catalog's.
func (m *Memory) ListVersions(ctx context.Context, name hearth.Name, marker string, limit int) ([]*hearth.Function, string, error) {
	if _, _, err := m.Get(ctx, name, ""); err != nil {
		return nil, "", err
	}
	return page(m.All(), marker, limit, func(fn *hearth.Function) bool { return fn.Name == name })
}

// ListAll is store/catalog's.
func (m *Memory) ListAll(_ context.Context, account, region, marker string, limit int) ([]*hearth.Function, string, error) {
	return page(m.All(), marker, limit, func(fn *hearth.Function) bool { return fn.Name.Account == account && fn.Name.Region == region })
}

// putAliasLocked stores an alias whose versions exist.
func (m *Memory) putAliasLocked(a *hearth.Alias) error {
	for _, v := range []string{a.Version, a.Additional} {
		if _, ok := m.functions[version{a.Function, v}]; !ok && v != "" {
			return notFound(a.Function, v)
		}
	}
	m.aliases[version{a.Function, a.Name}] = *a
	return nil
}

// CreateAlias is store/catalog's.
func (m *Memory) CreateAlias(_ context.Context, a *hearth.Alias) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, taken := m.aliases[version{a.Function, a.Name}]; taken {
		return hearth.Errorf(hearth.ErrConflict, "Alias already exists: %s", a.ARN())
	}
	return m.putAliasLocked(a)
}

// GetAlias is store/catalog's.
func (m *Memory) GetAlias(_ context.Context, name hearth.Name, alias string) (*hearth.Alias, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a, ok := m.aliases[version{name, alias}]; ok {
		return &a, nil
	}
	return nil, hearth.Errorf(hearth.ErrNotFound, "Alias not found: %s", name.ARN(alias))
}

// UpdateAlias is store/catalog's.
func (m *Memory) UpdateAlias(ctx context.Context, name hearth.Name, alias string, change func(*hearth.Alias) error) (*hearth.Alias, error) {
	a, err := m.GetAlias(ctx, name, alias)
	if err != nil {
		return nil, err
	}
	if err := change(a); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return a, m.putAliasLocked(a)
}

// DeleteAlias is store/catalog's.
func (m *Memory) DeleteAlias(ctx context.Context, name hearth.Name, alias string) error {
	_, err := m.GetAlias(ctx, name, alias)
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.aliases, version{name, alias})
	return err
}

// ListAliases is store/catalog's.
func (m *Memory) ListAliases(ctx context.Context, name hearth.Name, v, marker string, limit int) ([]*hearth.Alias, string, error) {
	if _, _, err := m.Get(ctx, name, ""); err != nil {
		return nil, "", err
	}
	m.mu.Lock()
	var all []*hearth.Alias
	for a := range maps.Values(m.aliases) {
		all = append(all, &a)
	}
	m.mu.Unlock()
	slices.SortFunc(all, func(a, b *hearth.Alias) int { return strings.Compare(a.Name, b.Name) })
	return page(all, marker, limit, func(a *hearth.Alias) bool { return a.Function == name && (v == "" || a.PointsTo(v)) })
}
