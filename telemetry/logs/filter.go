package logs

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/hearthd/hearth"
)

// filter is the application log level of a function.
type filter struct{ least int } // index in severities; 0: everything passes

func severities() []hearth.LogLevel {
	return []hearth.LogLevel{
		hearth.LevelTrace, hearth.LevelDebug, hearth.LevelInfo, hearth.LevelWarn, hearth.LevelError, hearth.LevelFatal,
	}
}

// newFilter returns the filter of a logging configuration: JSON has levels, text
// has none.
func newFilter(l hearth.Logging) filter {
	if l.Format != hearth.LogJSON {
		return filter{}
	}
	return filter{max(0, slices.Index(severities(), hearth.LogLevel(l.ApplicationLevel)))}
}

// passes reports whether a message of the function is logged. Its level is that
// of its frame or else the one that it has as a JSON object; any other text is
// INFO.
func (f filter) passes(framed hearth.LogLevel, message []byte) bool {
	if f.least == 0 {
		return true
	}
	level := framed
	if level == "" {
		level = levelOf(message)
	}
	return severity(level) >= f.least
}

// severity is the rank of a level, in any case and also in the spelling of
// Python; unknown ones are INFO.
func severity(level hearth.LogLevel) int {
	name := strings.ToUpper(string(level))
	switch name {
	case "WARNING":
		name = "WARN"
	case "CRITICAL":
		name = "FATAL"
	}
	if i := slices.Index(severities(), hearth.LogLevel(name)); i >= 0 {
		return i
	}
	return slices.Index(severities(), hearth.LevelInfo)
}

// levelOf is the level member of a JSON object.
func levelOf(message []byte) hearth.LogLevel {
	if len(message) == 0 || message[0] != '{' {
		return ""
	}
	var record struct {
		Level any `json:"level"`
	}
	if json.Unmarshal(message, &record) != nil {
		return ""
	}
	level, _ := record.Level.(string)
	return hearth.LogLevel(level)
}
