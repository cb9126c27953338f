package schema_test

import (
	"encoding"
	"fmt"
	"hash/crc32"
	"reflect"
	"testing"
	"time"
)

// fill writes to everything that v holds: no field is zero then. What it writes
// follows from path alone, which names v by what it is called in the store.
func fill(t *testing.T, v reflect.Value, path string) {
	t.Helper()
	number := 1 + int(crc32.ChecksumIEEE([]byte(path))%10_000)
	switch v.Kind() {
	case reflect.String:
		v.SetString(path)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(number))
	case reflect.Float64:
		v.SetFloat(float64(number) + 0.5)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), path)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(t, v.Index(i), fmt.Sprintf("%s %d", path, i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, key, path+" key")
		fill(t, value, path+" value")
		v.SetMapIndex(key, value)
	case reflect.Struct:
		if at, ok := v.Addr().Interface().(*time.Time); ok {
			*at = time.Date(2026, 11, 21, 1, 2, number, 456e6, time.UTC)
			return
		}
		for i := range v.NumField() {
			fill(t, v.Field(i), path+"."+v.Type().Field(i).Tag.Get("json"))
		}
	default:
		t.Fatalf("%s: no way to fill a %v", path, v.Type())
	}
}

// untagged returns the fields, at any depth, whose names in JSON are not explicit.
func untagged(of reflect.Type, path string) (fields []string) {
	switch of.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return untagged(of.Elem(), path)
	case reflect.Map:
		return append(untagged(of.Key(), path), untagged(of.Elem(), path)...)
	case reflect.Struct:
	default:
		return nil
	}
	if of.Implements(reflect.TypeFor[encoding.TextMarshaler]()) { // time.Time has its form from elsewhere
		return nil
	}
	for i := range of.NumField() {
		f := of.Field(i)
		at := path + "." + f.Name
		if tag := f.Tag.Get("json"); !f.IsExported() || f.Anonymous || tag == "" || tag[0] == ',' || tag[0] == '-' {
			fields = append(fields, at)
		}
		fields = append(fields, untagged(f.Type, at)...)
	}
	return fields
}
