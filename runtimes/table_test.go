package runtimes_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimes"
)

func TestLookup_Identifiers(t *testing.T) {
	for _, want := range []runtimes.Runtime{
		{Name: "python3.8", Family: runtimes.Python, Version: "3.8", Deprecated: true, Served: true},
		{Name: "python3.14", Family: runtimes.Python, Version: "3.14", Served: true},
		{Name: "python3.15", Family: runtimes.Python, Version: "3.15"},
		{Name: "nodejs18.x", Family: runtimes.Node, Version: "18", Deprecated: true, Served: true},
		{Name: "nodejs24.x", Family: runtimes.Node, Version: "24", Served: true},
		{Name: "provided.al2023", Family: runtimes.Provided, Version: "al2023", Served: true},
		{Name: "java21", Family: runtimes.Java, Version: "21", Served: true},
		{Name: "java17.al2023", Family: runtimes.Java, Version: "17", Served: true},
		{Name: "go1.x", Family: runtimes.Go, Version: "1.x", Deprecated: true},
	} {
		if got, ok := runtimes.Lookup(want.Name); !ok || got != want {
			t.Errorf("Lookup(%q) = %+v, %v; want %+v", want.Name, got, ok, want)
		}
	}
}

func TestAll_NamesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range runtimes.All() {
		if seen[r.Name] {
			t.Errorf("%s is listed twice", r.Name)
		}
		seen[r.Name] = true
	}
}

func TestServable_KnownRuntimeThatIsNotServedSaysSo(t *testing.T) {
	_, err := runtimes.Servable("ruby3.4")
	if !errors.Is(err, hearth.ErrInvalidRuntime) || !strings.HasPrefix(err.Error(), "hearth does not run ruby3.4: it serves python3.8, ") {
		t.Errorf("error = %v", err)
	}
}

func TestServable_RuntimeThatAWSHasSwitchedOffHasItsMessage(t *testing.T) {
	for _, name := range []string{"dotnetcore3.1", "go1.x", "java8", "nodejs12.x", "nodejs14.x", "provided", "python3.7", "ruby2.7"} {
		_, err := runtimes.Servable(name)
		want := "The runtime parameter of " + name + " is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions."
		if !errors.Is(err, hearth.ErrInvalid) || err.Error() != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestServable_RuntimeThatAWSStillAcceptsIsNotCalledSwitchedOff(t *testing.T) {
	for _, name := range []string{"nodejs16.x", "ruby3.2", "dotnet6", "dotnet8"} {
		if _, err := runtimes.Servable(name); err == nil || !strings.HasPrefix(err.Error(), "hearth does not run "+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := runtimes.Servable("python3.8"); err != nil {
		t.Error(err)
	}
}

func TestServable_UnknownRuntimeHasAWSsMessage(t *testing.T) {
	_, err := runtimes.Servable("cobol")
	if err == nil || !strings.HasPrefix(err.Error(), "Value cobol at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [python3.8, ") {
		t.Errorf("error = %v", err)
	}
}

func TestParseSubstitutes_Pairs(t *testing.T) {
	got, err := runtimes.ParseSubstitutes(" nodejs24.x=nodejs20.x, python3.14 = python3.13,")
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got["nodejs24.x"] != "nodejs20.x" || got["python3.14"] != "python3.13" {
		t.Errorf("got %v", got)
	}
}

func TestParseSubstitutes_Mistakes(t *testing.T) {
	for input, want := range map[string]string{
		"nodejs24.x":            "want ASKED=USED",
		"nodejs24.x=python3.13": "another language",
		"cobol=python3.13":      `"cobol" is not a Lambda runtime`,
		"python3.14=python3.99": "failed to satisfy constraint",
		"java21=ruby3.4":        "hearth does not run ruby3.4",
		"python3.14=python3.13,python3.14=python3.12": "mapped twice",
		"python3.14=python3.13,python3.13=python3.12": "both a substitute and substituted",
	} {
		if _, err := runtimes.ParseSubstitutes(input); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseSubstitutes(%q) = %v, want an error with %q", input, err, want)
		}
	}
}
