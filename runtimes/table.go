package runtimes

import (
	"slices"
	"strings"

	hearth "github.com/hearthd/hearth"
)

// Family groups runtimes that one kind of program serves.
type Family string

// The families of Lambda's runtimes.
const (
	Python   Family = "python"
	Node     Family = "nodejs"
	Provided Family = "provided" // the package's own bootstrap
	Java     Family = "java"
	Ruby     Family = "ruby"
	Dotnet   Family = "dotnet"
	Go       Family = "go"
)

// program is what a language is run by.
func (f Family) program() string {
	if f == Java {
		return "virtual machine"
	}
	return "interpreter"
}

// Runtime is one of Lambda's runtime identifiers.
type Runtime struct {
	Name    string // AWS's identifier: python3.12, nodejs20.x, provided.al2023
	Family  Family
	Version string // 3.12, 20, al2023; for programs: which interpreter serves it
	// Deprecated: AWS has ended support. Such functions still run here.
	Deprecated bool
	// Served: this build runs it, given an interpreter where one is needed.
	Served bool
}

// Lookup finds a runtime by its identifier.
func Lookup(name string) (Runtime, bool) {
	for _, r := range All() {
		if r.Name == name {
			return r, true
		}
	}
	return Runtime{}, false
}

// All lists every identifier that Lambda's API accepts or ever accepted, by
// family and then by age.
func All() []Runtime {
	return slices.Concat(
		family(Python, "", "python2.7 python3.6 python3.7", false, true),
		family(Python, "", "python3.8 python3.9 python3.10", true, true),
		family(Python, "", "python3.11 python3.12 python3.13 python3.14", true, false),
		family(Python, "", "python3.15", false, false),
		family(Node, ".x", "nodejs nodejs4.3 nodejs4.3-edge nodejs6.10 nodejs8.10 nodejs10.x nodejs12.x nodejs14.x nodejs16.x", false, true),
		family(Node, ".x", "nodejs18.x nodejs20.x", true, true),
		family(Node, ".x", "nodejs22.x nodejs24.x", true, false),
		family(Node, ".x", "nodejs26.x", false, false),
		family(Provided, "", "provided", false, true),
		family(Provided, "", "provided.al2", true, true),
		family(Provided, "", "provided.al2023", true, false),
		family(Java, "", "java8", false, true),
		family(Java, "", "java8.al2 java8.al2023", false, false),
		family(Java, ".al2023", "java11 java11.al2023 java17 java17.al2023 java21 java25", true, false),
		family(Ruby, "", "ruby2.5 ruby2.7 ruby3.2", false, true),
		family(Ruby, "", "ruby3.3 ruby3.4 ruby4.0", false, false),
		family(Dotnet, "", "dotnetcore1.0 dotnetcore2.0 dotnetcore2.1 dotnetcore3.1 dotnet5.0 dotnet6 dotnet8", false, true),
		family(Dotnet, "", "dotnet10", false, false),
		family(Go, "", "go1.x", false, true),
	)
}

func family(f Family, suffix, names string, served, deprecated bool) []Runtime {
	var out []Runtime
	for name := range strings.FieldsSeq(names) {
		version := strings.TrimPrefix(strings.TrimPrefix(name, string(f)), ".")
		out = append(out, Runtime{
			Name:       name,
			Family:     f,
			Version:    strings.TrimSuffix(version, suffix),
			Deprecated: deprecated,
			Served:     served,
		})
	}
	return out
}

// Accepted returns the runtime of a name that functions may have, or, in AWS's
// words, a *hearth.Error of kind hearth.ErrInvalid when Lambda does not know it
// or has switched it off.
func Accepted(name string) (Runtime, error) {
	r, ok := Lookup(name)
	switch {
	case !ok:
		return Runtime{}, hearth.Errorf(hearth.ErrInvalid, "Value %s at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [%s] or be a valid ARN", name, strings.Join(servedNames(), ", "))
	case switchedOff(r):
		return Runtime{}, hearth.Errorf(hearth.ErrInvalid, "The runtime parameter of %s is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions.", name)
	}
	return r, nil
}

// Servable returns the runtime of a name, or the error of Accepted, or one of
// kind hearth.ErrInvalidRuntime when this build does not run it. It does not
// look at the host; see Set.Find.
func Servable(name string) (Runtime, error) {
	r, err := Accepted(name)
	if err == nil && !r.Served {
		err = hearth.Errorf(hearth.ErrInvalidRuntime, "hearth does not run %s: it serves %s. Package the function with its own bootstrap (provided.al2023), or map it with --runtime-map %s=RUNTIME.", name, strings.Join(servedNames(), ", "), name)
	}
	if err != nil {
		return Runtime{}, err
	}
	return r, nil
}

// switchedOff says whether AWS lets nobody create or update a function of a
// runtime any more. That comes some time after its support has ended.
func switchedOff(r Runtime) bool {
	switch r.Name {
	case "nodejs16.x", "ruby3.2", "dotnet6", "dotnet8": // deprecated, but still accepted
		return false
	default:
		return r.Deprecated && !r.Served
	}
}

func servedNames() []string {
	var names []string
	for _, r := range All() {
		if r.Served {
			names = append(names, r.Name)
		}
	}
	return names
}
