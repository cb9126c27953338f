package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// emitTypes writes the structures, and aliases for outputs that keep the name
// of their shape.
func (g *generator) emitTypes() {
	for _, name := range slices.Sorted(maps.Keys(g.goName)) {
		if g.Shapes[name].EventStream {
			continue // its events are structures of their own
		}
		file := "zz_shapes.go"
		switch goName := g.goName[name]; {
		case strings.HasSuffix(goName, "Input"):
			file = "zz_inputs.go"
		case strings.HasSuffix(goName, "Output"):
			file = "zz_outputs.go"
		}
		g.emitStruct(file, name)
	}
	for _, op := range g.ops {
		alias := op.Name + "Output"
		switch {
		case op.Output == nil:
			g.declare(alias)
			g.put("zz_outputs.go", "type %s = Empty\n", alias)
		case g.goName[op.Output.Shape] != alias:
			g.declare(alias)
			g.put("zz_outputs.go", "type %s = %s\n", alias, g.goName[op.Output.Shape])
		}
	}
}

func (g *generator) emitStruct(file, name string) {
	s := g.Shapes[name]
	g.declare(g.goName[name])
	g.put(file, "type %s struct {", g.goName[name])
	for _, m := range s.Members {
		if g.Shapes[m.Shape].EventStream {
			continue
		}
		tag, typ := m.Name+",omitzero", g.memberType(m.Shape)
		if m.Location != "" || m.Name == s.Payload {
			tag = "-"
		} else if g.Shapes[m.Shape].Type == "blob" && g.holdsArchive(name) {
			typ = "*Archive"
		}
		g.put(file, "\t%s %s `json:%q`", exported(m.Name), typ, tag)
	}
	g.put(file, "}\n")
}

// emitEnums writes one constant for each value of an enum.
func (g *generator) emitEnums() {
	const file = "zz_enums.go"
	reached := map[string]bool{}
	for _, op := range g.ops {
		g.reach(op.Input.Shape, func(n string) { reached[n] = true })
		if op.Output != nil {
			g.reach(op.Output.Shape, func(n string) { reached[n] = true })
		}
	}
	for _, name := range slices.Sorted(maps.Keys(reached)) {
		s := g.Shapes[name]
		if len(s.Enum) == 0 {
			continue
		}
		g.put(file, "const (")
		for _, v := range s.Enum {
			constant := exported(name) + camel(v)
			g.declare(constant)
			g.put(file, "\t%s = %q", constant, v)
		}
		g.put(file, ")\n")
	}
}

// camel turns an enum's value into a part of a Go name: TRIM_HORIZON becomes
// TrimHorizon, nodejs20.x becomes Nodejs20x.
func camel(v string) string {
	var out strings.Builder
	for word := range strings.FieldsFuncSeq(v, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if word == strings.ToUpper(word) {
			word = strings.ToLower(word)
		}
		if out.Len() > 0 && len(word) == 1 {
			out.WriteString(word) // the x of nodejs20.x
			continue
		}
		out.WriteString(exported(word))
	}
	return out.String()
}

// emitErrors writes status and casing of every modelled error.
func (g *generator) emitErrors() {
	const file = "zz_errors.go"
	g.put(file, "func errorShapeOf(code string) (errorShape, bool) {\n\tswitch code {")
	for _, name := range slices.Sorted(maps.Keys(g.Shapes)) {
		s := g.Shapes[name]
		if !s.Exception {
			continue
		}
		message := "message"
		if s.Members.find(message) == nil {
			message = "Message"
		}
		typ := "User"
		if s.Fault {
			typ = "Service"
		}
		if s.Members.find(message) == nil || s.Error.Status == 0 {
			g.errs = append(g.errs, fmt.Errorf("error %s has no message or no status", name))
		}
		g.put(file, "\tcase %q:\n\t\treturn errorShape{%d, %q, %q}, true", name, s.Error.Status, message, typ)
	}
	g.put(file, "\tdefault:\n\t\treturn errorShape{}, false\n\t}\n}")
}
