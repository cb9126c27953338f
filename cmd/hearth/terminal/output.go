package terminal

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// PrintJSON prints a value as indented JSON, for --json.
func (t *Terminal) PrintJSON(value any) error {
	encoder := json.NewEncoder(t.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// PrintTable prints rows under a header, in columns.
func (t *Terminal) PrintTable(header []string, rows [][]string) error {
	return t.PrintRows(append([][]string{header}, rows...))
}

// PrintRows prints rows in columns.
func (t *Terminal) PrintRows(rows [][]string) error {
	table := tabwriter.NewWriter(t.Stdout, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// PrintLine prints text that came from elsewhere to w, a stream of the terminal,
// and ends it with a newline.
func PrintLine(w io.Writer, text []byte) error {
	if len(text) == 0 || text[len(text)-1] != '\n' {
		text = append(text[:len(text):len(text)], '\n')
	}
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
