package api

import (
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// AWS prints refused values the way Java's toString does: [a, b], {k=v},
// Type(member=value). This file does the same; it runs for errors only, and so
// may use reflection.

// lowerFirst turns a member's name into the one that messages print.
func lowerFirst(name string) string {
	r, n := utf8.DecodeRuneInString(name)
	return string(unicode.ToLower(r)) + name[n:]
}

func render(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return renderFloat(v)
	case []byte:
		return fmt.Sprintf("java.nio.HeapByteBuffer[pos=0 lim=%[1]d cap=%[1]d]", len(v))
	case Time:
		return v.Format("Mon Jan 02 15:04:05 MST 2006")
	}
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Pointer:
		if rv.IsNil() {
			return "null"
		}
		return render(rv.Elem().Interface())
	case reflect.Slice:
		return renderSlice(rv)
	case reflect.Map:
		return renderMap(rv)
	case reflect.Struct:
		return renderStruct(rv)
	default:
		return fmt.Sprint(v)
	}
}

func renderFloat(f float64) string {
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

func renderSlice(rv reflect.Value) string {
	var parts []string
	for i := range rv.Len() {
		parts = append(parts, render(rv.Index(i).Interface()))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func renderMap(rv reflect.Value) string {
	parts := map[string]string{}
	for it := rv.MapRange(); it.Next(); {
		parts[it.Key().String()] = render(it.Value().Interface())
	}
	var out []string
	for _, k := range slices.Sorted(maps.Keys(parts)) {
		out = append(out, k+"="+parts[k])
	}
	return "{" + strings.Join(out, ", ") + "}"
}

func renderStruct(rv reflect.Value) string {
	var parts []string
	for i := range rv.NumField() {
		name := lowerFirst(rv.Type().Field(i).Name)
		parts = append(parts, name+"="+render(rv.Field(i).Interface()))
	}
	return rv.Type().Name() + "(" + strings.Join(parts, ", ") + ")"
}

// elements ranges over the scalars and lists in a list or map, with the key
// for maps and nil for lists. Structures are checked by their own checks, and
// are left out.
func elements(v any) iter.Seq2[any, any] {
	return func(yield func(k, e any) bool) {
		switch v := v.(type) {
		case []string:
			for _, e := range v {
				if !yield(nil, e) {
					return
				}
			}
		case map[string]string:
			yieldMap(v, yield)
		case map[string]float64:
			yieldMap(v, yield)
		case map[string][]string:
			yieldMap(v, yield)
		}
	}
}

func yieldMap[V any](m map[string]V, yield func(k, e any) bool) {
	for k, e := range m {
		if !yield(k, e) {
			return
		}
	}
}

// zeroElement is an element of the type that v holds.
func zeroElement(v any) any { return reflect.Zero(reflect.TypeOf(v).Elem()).Interface() }

func isMap(v any) bool { return reflect.TypeOf(v).Kind() == reflect.Map }

func length(v any) int {
	switch reflect.TypeOf(v).Kind() {
	case reflect.Slice, reflect.Map:
		return reflect.ValueOf(v).Len()
	default:
		return 0
	}
}

// typeName is AWS's name for the type of a member, with its article.
func typeName(t reflect.Type) string {
	if t == reflect.TypeFor[Time]() {
		return "a Timestamp"
	}
	switch t.Kind() {
	case reflect.String:
		return "a String"
	case reflect.Int:
		return "an Integer"
	case reflect.Int64:
		return "a Long"
	case reflect.Float64:
		return "a Double"
	case reflect.Bool:
		return "an Boolean"
	default:
		return "a Map"
	}
}
