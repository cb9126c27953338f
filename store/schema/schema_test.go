package schema_test

import (
	"errors"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store/schema"
)

var update = flag.Bool("update", false, "rewrite testdata: a change of what is there breaks data directories")

// statement is one that edge/policy can read.
const statement = `{"Sid":"s","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:eu-west-1:123456789012:function:f"}`

// filled returns a value of a kind without a zero field.
func filled(t *testing.T, k schema.Kind) any {
	t.Helper()
	v := reflect.New(k.Form)
	fill(t, v.Elem(), string(k.Name))
	if p, ok := v.Interface().(*schema.Policy); ok {
		p.Document.Statements = []string{statement}
	}
	return v.Interface()
}

func goldenOf(k schema.Kind) string {
	return filepath.Join("testdata", "golden", string(k.Name)+".json")
}

func TestEncode_OfEachKind_IsItsGoldenFile(t *testing.T) {
	for _, k := range schema.Kinds() {
		got, err := k.Encode(filled(t, k))
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(goldenOf(k), got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(goldenOf(k))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s: what is stored has changed (-golden +now):\n%s", k.Name, diff)
		}
	}
}

func TestDecode_OfEachGoldenFile_IsTheValue(t *testing.T) {
	for _, k := range schema.Kinds() {
		golden, err := os.ReadFile(goldenOf(k))
		if err != nil {
			t.Fatal(err)
		}
		got := reflect.New(k.Form).Interface()
		if err := k.Decode(golden, got); err != nil {
			t.Errorf("%s: %v", k.Name, err)
		}
		if diff := cmp.Diff(filled(t, k), got); diff != "" {
			t.Errorf("%s: what is read (-want +got):\n%s", k.Name, diff)
		}
	}
}

func TestKinds_Forms_HaveExplicitNames(t *testing.T) {
	for _, k := range schema.Kinds() {
		for _, field := range untagged(k.Form, k.Form.String()) {
			t.Errorf("%s: %s is stored and has no name in a json tag", k.Name, field)
		}
	}
}

// The package's own walk would otherwise be trusted to find what it looks for.
func TestUntagged_FindsNestedFields(t *testing.T) {
	type inner struct {
		Plain  int
		Tagged int `json:"Tagged"`
	}
	type outer struct {
		In   []*inner         `json:"In"`
		By   map[string]inner `json:",omitempty"`
		Gone int              `json:"-"`
	}
	want := []string{"o.In.Plain", "o.By", "o.By.Plain", "o.Gone"}
	if diff := cmp.Diff(want, untagged(reflect.TypeFor[outer](), "o")); diff != "" {
		t.Error(diff)
	}
}

// constants returns the Kind constants of the root package, by their values.
func constants(t *testing.T) map[hearth.Kind]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "change.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[hearth.Kind]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if named, ok := spec.Type.(*ast.Ident); !ok || named.Name != "Kind" {
			return true
		}
		for i, name := range spec.Names {
			value, err := strconv.Unquote(spec.Values[i].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			found[hearth.Kind(value)] = name.Name
		}
		return true
	})
	return found
}

func TestKinds_AreThoseOfTheRoot(t *testing.T) {
	want := constants(t)
	if len(want) < 17 {
		t.Fatalf("found %d constants", len(want))
	}
	for _, k := range schema.Kinds() {
		if _, known := want[k.Name]; !known {
			t.Errorf("%s is in the list twice, or no constant", k.Name)
		}
		delete(want, k.Name)
	}
	for kind, name := range want {
		t.Errorf("hearth.%s (%s) is not in the list", name, kind)
	}
}

func TestKinds_SchemaAndMigrations_GoTogether(t *testing.T) {
	for _, k := range schema.Kinds() {
		if k.Schema != len(k.Migrations)+1 {
			t.Errorf("%s has schema %d and %d migrations", k.Name, k.Schema, len(k.Migrations))
		}
		if of, ok := schema.Of(k.Name); !ok || of.Name != k.Name {
			t.Errorf("Of(%s) = %v, %t", k.Name, of.Name, ok)
		}
	}
	if _, ok := schema.Of("none"); ok {
		t.Error("Of finds a kind that there is not")
	}
}

// note is a value whose first form had its text in "Body", and its second had no
// "Lines".
type note struct {
	Text  string `json:"Text"`
	Lines int    `json:"Lines"`
}

func notes() schema.Kind {
	return schema.Kind{Name: "note", Schema: 3, Form: reflect.TypeFor[note](), Migrations: []schema.Migration{
		func(value []byte) ([]byte, error) {
			return []byte(strings.Replace(string(value), `"Body"`, `"Text"`, 1)), nil
		},
		func(value []byte) ([]byte, error) {
			if strings.Contains(string(value), "torn") {
				return nil, errors.New("it is torn")
			}
			return []byte(strings.Replace(string(value), "}", `,"Lines":1}`, 1)), nil
		},
	}}
}

func TestDecode_OfOlderSchemas_Migrates(t *testing.T) {
	for _, stored := range []string{
		`{"Schema":1,"Value":{"Body":"x"}}`, `{"Schema":2,"Value":{"Text":"x"}}`, `{"Schema":3,"Value":{"Text":"x","Lines":1}}`,
	} {
		var got note
		if err := notes().Decode([]byte(stored), &got); err != nil || got != (note{"x", 1}) {
			t.Errorf("%s is read as %+v, error %v", stored, got, err)
		}
	}
	written, err := notes().Encode(&note{"x", 1})
	if want := `{"Schema":3,"Value":{"Text":"x","Lines":1}}`; err != nil || string(written) != want {
		t.Errorf("written as %s, error %v", written, err)
	}
}

func TestDecode_OfWhatItCannotRead_IsAConflictWithTheReason(t *testing.T) {
	for stored, reason := range map[string]string{
		``:                                     "it is not the JSON of a record (unexpected end of JSON input)",
		`[]`:                                   "it is not the JSON of a record (json: cannot unmarshal array",
		`{"Schema":"1","Value":{}}`:            `the number of its schema is "1"`,
		`{"Value":{}}`:                         "it has schema 0, and this version reads up to 3",
		`{"Schema":4,"Value":{}}`:              "it has schema 4, and this version reads up to 3",
		`{"Schema":3}`:                         "it has no Value",
		`{"Schema":3,"Value":null}`:            "it has no Value",
		`{"Schema":1,"Value":{"Body":"torn"}}`: "it could not be brought from schema 2 to 3 (it is torn)",
		`{"Schema":3,"Value":{"Text":1}}`:      "its content is not that of a note (json: cannot unmarshal number",
		`{"Schema":3,"Value":{"Text":"x"}} {"a":`: "it is not the JSON of a record (invalid character",
	} {
		err := notes().Decode([]byte(stored), &note{})
		if !errors.Is(err, schema.ErrUnreadable) || !errors.Is(err, hearth.ErrConflict) || errors.Is(err, hearth.ErrNotFound) {
			t.Errorf("%s: error %v", stored, err)
		}
		want := "The stored form of this resource cannot be read by this version of hearth: " + reason
		told, ok := errors.AsType[*hearth.Error](err)
		if !ok || !strings.HasPrefix(told.Message, want) || !strings.HasSuffix(told.Message, "It is kept as it is. Run a version of hearth that can read it.") {
			t.Errorf("%s: the caller is told %v, want %s", stored, err, want)
		}
	}
}

func TestUnreadable_OfAFunctions_SaysThatItCanBeDeleted(t *testing.T) {
	for _, kind := range []hearth.Kind{hearth.KindFunction, hearth.KindAlias, hearth.KindFunctionPolicy} {
		k, _ := schema.Of(kind)
		if err := k.Unreadable("x"); !strings.HasSuffix(err.Error(), "or delete it or the function.") {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestEncode_OfWhatIsNoJSON_Fails(t *testing.T) {
	if _, err := notes().Encode(func() {}); err == nil {
		t.Error("no error")
	}
}
