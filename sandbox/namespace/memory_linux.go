package namespace

import (
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
)

// memoryFiles are what sandboxes see as /proc/meminfo, one for each size. The
// host's would have programs choose caches and heaps that the sandbox's limit does
// not allow. What is used of the memory they do not say: files do not change.
type memoryFiles struct {
	dir string

	mu   sync.Mutex
	made map[int64]bool
}

// file returns the file for a sandbox with a number of bytes.
func (m *memoryFiles) file(bytes int64) (string, error) {
	name := filepath.Join(m.dir, "meminfo-"+strconv.FormatInt(bytes, 10))
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.made[bytes] {
		return name, nil
	}
	if err := writeShown(name, meminfo(bytes)); err != nil {
		return "", err
	}
	if m.made == nil {
		m.made = make(map[int64]bool)
	}
	m.made[bytes] = true
	return name, nil
}

// meminfo is the text for a machine with nothing but free memory.
func meminfo(bytes int64) string {
	var text string
	line := func(key string, kB int64) { text += fmt.Sprintf("%-15s %8d kB\n", key+":", kB) }
	for _, key := range []string{"MemTotal", "MemFree", "MemAvailable"} {
		line(key, bytes>>10)
	}
	for _, key := range []string{
		"Buffers", "Cached", "SwapCached", "Active", "Inactive", "SwapTotal", "SwapFree", "Dirty", "Writeback",
		"AnonPages", "Mapped", "Shmem", "Slab", "SReclaimable", "SUnreclaim", "PageTables",
	} {
		line(key, 0)
	}
	line("CommitLimit", bytes>>10)
	line("Committed_AS", 0)
	return text
}
