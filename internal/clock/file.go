package clock

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// OpenTest returns a clock that goes on where the one that was saved in a file stood.
// Without the file it begins with the present time, and saves it: another start goes
// on from there.
func OpenTest(file string) (*Test, error) {
	saved, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		c := NewTest(time.Now())
		c.file = file
		return c, c.Save()
	}
	if err != nil {
		return nil, fmt.Errorf("read the test clock: %w", err)
	}
	now, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(string(saved)))
	if err != nil {
		return nil, fmt.Errorf("read the test clock in %s: %w", file, err)
	}
	c := NewTest(now)
	c.file = file
	return c, nil
}

// Save keeps where a clock of OpenTest stands for the next one; it does nothing for
// others. A crash before it is an older time then, which events of a later one bear.
func (c *Test) Save() error {
	if c.file == "" {
		return nil
	}
	c.saving.Lock()
	defer c.saving.Unlock()
	temporary := c.file + ".new"
	if err := os.WriteFile(temporary, []byte(c.Now().Format(time.RFC3339Nano)+"\n"), 0o600); err != nil {
		return fmt.Errorf("save the test clock: %w", err)
	}
	if err := os.Rename(temporary, c.file); err != nil {
		return fmt.Errorf("save the test clock: %w", err)
	}
	return nil
}
