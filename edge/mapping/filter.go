package mapping

import (
	"encoding/json"
	"slices"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

// maxFilters is the most patterns of a mapping, AWS's highest quota.
const maxFilters = 10

func applyFilters(m *hearth.EventSourceMapping, sent *api.FilterCriteria) error {
	if sent == nil {
		return nil
	}
	if len(sent.Filters) > maxFilters {
		return hearth.Errorf(hearth.ErrInvalid, "An event source mapping cannot have more than %d filters.", maxFilters)
	}
	m.Filters = nil // an empty object takes them away
	for _, f := range sent.Filters {
		if !ValidPattern(api.Value(f.Pattern)) {
			return hearth.Errorf(hearth.ErrInvalid, "Invalid filter pattern definition.")
		}
		m.Filters = append(m.Filters, *f.Pattern)
	}
	return nil
}

// ValidPattern reports whether a string is a filter pattern: a JSON object whose
// members are objects of the same kind or, at the leaves, lists of values and
// comparisons of which one must hold.
func ValidPattern(pattern string) bool {
	var v map[string]any
	if err := json.Unmarshal([]byte(pattern), &v); err != nil {
		return false
	}
	return isPattern(v)
}

func isPattern(object map[string]any) bool {
	for name, v := range object {
		switch v := v.(type) {
		case map[string]any:
			if !isPattern(v) {
				return false
			}
		case []any:
			valid := isComparison
			if name == "$or" {
				valid = isAlternative
			}
			if len(v) == 0 || slices.ContainsFunc(v, func(e any) bool { return !valid(e) }) {
				return false
			}
		default:
			return false
		}
	}
	return len(object) > 0
}

// isAlternative reports whether v can be an element of an $or.
func isAlternative(v any) bool {
	object, ok := v.(map[string]any)
	return ok && isPattern(object)
}

// isComparison reports whether v can be an element of a leaf: a value that is to
// be equal, or an object with one operator.
func isComparison(v any) bool {
	object, ok := v.(map[string]any)
	if !ok {
		return isScalar(v)
	}
	if len(object) != 1 {
		return false
	}
	for operator, operand := range object {
		switch operator {
		case "prefix", "suffix":
			return isString(operand) || isIgnoreCase(operand)
		case "equals-ignore-case", "wildcard", "cidr":
			return isString(operand)
		case "exists":
			_, ok := operand.(bool)
			return ok
		case "numeric":
			return isRange(operand)
		case "anything-but":
			return isExclusion(operand)
		}
	}
	return false
}

func isScalar(v any) bool {
	switch v.(type) {
	case string, float64, bool, nil:
		return true
	default:
		return false
	}
}

func isString(v any) bool {
	_, ok := v.(string)
	return ok
}

// isIgnoreCase reports whether v is {"equals-ignore-case": "..."}.
func isIgnoreCase(v any) bool {
	object, ok := v.(map[string]any)
	return ok && len(object) == 1 && isString(object["equals-ignore-case"])
}

// isRange reports whether v is the operand of numeric: one comparison, or two
// that bound a number from both sides.
func isRange(v any) bool {
	list, ok := v.([]any)
	if !ok || len(list) != 2 && len(list) != 4 {
		return false
	}
	for i, e := range list {
		if i%2 == 0 {
			operator, ok := e.(string)
			if !ok || !slices.Contains([]string{"<", "<=", "=", ">=", ">"}, operator) {
				return false
			}
		} else if _, ok := e.(float64); !ok {
			return false
		}
	}
	return true
}

// isExclusion reports whether v is the operand of anything-but.
func isExclusion(v any) bool {
	switch v := v.(type) {
	case string, float64:
		return true
	case []any:
		return len(v) > 0 && !slices.ContainsFunc(v, func(e any) bool { return !isValue(e) })
	case map[string]any:
		if len(v) != 1 {
			return false
		}
		for operator, operand := range v {
			return slices.Contains([]string{"prefix", "suffix", "equals-ignore-case", "wildcard"}, operator) && isStrings(operand)
		}
	}
	return false
}

func isValue(v any) bool {
	_, number := v.(float64)
	return number || isString(v)
}

// isStrings reports whether v is a string or a list of them.
func isStrings(v any) bool {
	list, ok := v.([]any)
	if !ok {
		return isString(v)
	}
	return len(list) > 0 && !slices.ContainsFunc(list, func(e any) bool { return !isString(e) })
}
