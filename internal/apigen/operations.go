package main

import (
	"fmt"
	"net/http"
	"strings"
)

// emitOperations writes an Op value for each operation, and the list of
// their specs for the router.
func (g *generator) emitOperations() {
	const file = "zz_operations.go"
	for _, op := range g.ops {
		g.declare(op.Name)
		path, query, _ := strings.Cut(op.HTTP.RequestURI, "?")
		fields := []string{
			fmt.Sprintf("spec: spec{name: %q, method: %q, path: %q, query: %q, status: %d, body: %s%s}",
				op.Name, op.HTTP.Method, path, query, op.HTTP.ResponseCode, g.bodyKind(op), archiveField(g.archive(op))),
			"bind: bind" + op.Name,
		}
		if g.needsCheck(op.Input.Shape) {
			fields = append(fields, fmt.Sprintf("check: (*%s).check", g.goName[op.Input.Shape]))
		}
		if g.streams(op) {
			g.put(file, "var %s = StreamOp[%sInput]{\n%s,\n}\n", op.Name, op.Name, strings.Join(fields, ",\n"))
			continue
		}
		if op.Also != "" {
			fields = append(fields, "also: "+op.Also)
		}
		fields = append(fields, "encode: "+g.encoder(op))
		g.put(file, "var %s = Op[%sInput, %sOutput]{\n%s,\n}\n", op.Name, op.Name, op.Name, strings.Join(fields, ",\n"))
	}
	g.put(file, "func specs() []*spec {\n\treturn []*spec{")
	for _, op := range g.ops {
		g.put(file, "\t\t&%s.spec,", op.Name)
	}
	g.put(file, "\t}\n}")
}

// bodyKind says what the body of an operation's request holds.
func (g *generator) bodyKind(op *operation) string {
	in := g.Shapes[op.Input.Shape]
	if m := in.Members.find(in.Payload); m != nil && g.Shapes[m.Shape].Type == "blob" {
		return "bodyPayload"
	}
	kind := "bodyNone"
	for _, m := range in.Members {
		if m.Location != "" {
			continue
		}
		if kind == "bodyNone" {
			kind = "bodyJSON"
		}
		g.reach(m.Shape, func(name string) {
			if g.Shapes[name].Type == "blob" {
				kind = "bodyCode"
			}
		})
	}
	return kind
}

// archive returns the names of the members that lead to the code archive in the
// body of an operation's request; none when there is none.
func (g *generator) archive(op *operation) []string {
	if g.bodyKind(op) != "bodyCode" {
		return nil
	}
	for _, m := range g.Shapes[op.Input.Shape].Members {
		if m.Location != "" {
			continue
		}
		if g.Shapes[m.Shape].Type == "blob" {
			return []string{m.Name}
		}
		for _, inner := range g.Shapes[m.Shape].Members {
			if g.Shapes[inner.Shape].Type == "blob" {
				return []string{m.Name, inner.Name}
			}
		}
	}
	g.errs = append(g.errs, fmt.Errorf("%s: its code archive is too deep", op.Name))
	return nil
}

// holdsArchive says whether the blob of a structure is the code archive of a request.
func (g *generator) holdsArchive(structure string) bool {
	for _, op := range g.ops {
		path, holder := g.archive(op), op.Input.Shape
		if len(path) == 2 {
			holder = g.Shapes[holder].Members.find(path[0]).Shape
		}
		if len(path) > 0 && holder == structure {
			return true
		}
	}
	return false
}

func archiveField(path []string) string {
	if len(path) == 0 {
		return ""
	}
	return fmt.Sprintf(", archive: %q", strings.Join(path, "."))
}

// bindArchive is the statement that gives the input the archive of its request.
func bindArchive(path []string) string {
	if len(path) == 1 {
		return "r.archive(&in." + exported(path[0]) + ")"
	}
	outer := "in." + exported(path[0])
	return "if " + outer + " != nil {\nr.archive(&" + outer + "." + exported(path[1]) + ")\n}"
}

// encoder names the function that writes an operation's output.
func (g *generator) encoder(op *operation) string {
	if op.Output == nil {
		return "encodeEmpty"
	}
	for _, m := range g.Shapes[op.Output.Shape].Members {
		if m.Location != "" {
			return "encode" + op.Name
		}
	}
	return "encodeJSON[" + op.Name + "Output]"
}

// emitBindings writes for each operation how its input comes out of a request
// and, where members travel outside the body, how its output goes into a
// response.
func (g *generator) emitBindings() {
	const file = "zz_bindings.go"
	for _, op := range g.ops {
		in := g.Shapes[op.Input.Shape]
		var lines []string
		switch kind := g.bodyKind(op); {
		case kind == "bodyNone":
		case kind == "bodyPayload":
			lines = append(lines, "in."+in.Payload+" = r.payload()")
		case in.Payload != "":
			lines = append(lines, "r.json(&in."+in.Payload+")")
		default:
			lines = append(lines, "r.json(in)")
		}
		labels := labelsOf(op)
		for _, m := range in.Members {
			if m.Location != "" {
				lines = append(lines, "in."+exported(m.Name)+" = "+g.source(op, labels, m))
			}
		}
		if path := g.archive(op); path != nil {
			lines = append(lines, bindArchive(path))
		}
		arg := "r"
		if len(lines) == 0 {
			arg = "_"
		}
		in1 := "in"
		if len(lines) == 0 {
			in1 = "_"
		}
		g.put(file, "func bind%s(%s *request, %s *%sInput) {\n%s\n}\n", op.Name, arg, in1, op.Name, strings.Join(lines, "\n"))
		if !g.streams(op) && g.encoder(op) == "encode"+op.Name {
			g.emitEncoder(file, op)
		}
	}
}

func labelsOf(op *operation) []string {
	var labels []string
	path, _, _ := strings.Cut(op.HTTP.RequestURI, "?")
	for segment := range strings.SplitSeq(path, "/") {
		if strings.HasPrefix(segment, "{") {
			labels = append(labels, strings.Trim(segment, "{}+"))
		}
	}
	return labels
}

// source is the expression that reads a member from outside the body.
func (g *generator) source(op *operation, labels []string, m member) string {
	typ := g.Shapes[m.Shape].Type
	switch m.Location + " " + typ {
	case "uri string", "uri long":
		for i, label := range labels {
			if label == m.LocationName {
				return fmt.Sprintf("r.%s(%d)", map[string]string{"string": "label", "long": "labelInt64"}[typ], i)
			}
		}
	case "header string":
		return fmt.Sprintf("r.header(%q)", http.CanonicalHeaderKey(m.LocationName))
	case "querystring string":
		return fmt.Sprintf("r.query(%q)", m.LocationName)
	case "querystring list":
		return fmt.Sprintf("r.queryList(%q)", m.LocationName)
	case "querystring integer":
		return fmt.Sprintf("r.queryInt(%q)", m.LocationName)
	case "querystring boolean":
		return fmt.Sprintf("r.queryBool(%q)", m.LocationName)
	case "querystring timestamp":
		return fmt.Sprintf("r.queryTime(%q)", m.LocationName)
	}
	g.errs = append(g.errs, fmt.Errorf("%s.%s: cannot bind a %s from %s", op.Name, m.Name, typ, m.Location))
	return "nil"
}

func (g *generator) emitEncoder(file string, op *operation) {
	out := g.Shapes[op.Output.Shape]
	end := "w.empty()"
	g.put(file, "func encode%s(w *response, out *%sOutput) {", op.Name, op.Name)
	for _, m := range out.Members {
		switch {
		case m.Location == "header":
			g.put(file, "\tw.header(%q, out.%s)", http.CanonicalHeaderKey(m.LocationName), exported(m.Name))
		case m.Location == "statusCode":
			g.put(file, "\tw.status(out.%s)", exported(m.Name))
		case m.Name == out.Payload:
			end = "w.payload(out." + exported(m.Name) + ")"
		default:
			end = "encodeJSON(w, out)"
		}
	}
	g.put(file, "\t%s\n}\n", end)
}

// emitTestList writes the operations as calls of a generic function, which
// cannot range over values of different types.
func (g *generator) emitTestList() {
	const file = "zz_operations_test.go"
	g.put(file, "func eachOperation(s *suite) {")
	for _, op := range g.ops {
		call := "visit"
		if g.streams(op) {
			call = "visitStream"
		}
		g.put(file, "\t%s(s, api.%s)", call, op.Name)
	}
	g.put(file, "}")
}
