package rootfs

import (
	"fmt"
	"path/filepath"
	"strconv"
)

// memoryFile returns what a sandbox with a number of bytes sees as /proc/meminfo.
// The host's would have programs choose caches and heaps that the sandbox's limit
// does not allow. What is used of the memory it does not say: it does not change.
func (s *Skeleton) memoryFile(bytes int64) (string, error) {
	name := filepath.Join(s.state, "meminfo-"+strconv.FormatInt(bytes, 10))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.memory[bytes] {
		return name, nil
	}
	if err := writeShown(name, meminfo(bytes)); err != nil {
		return "", err
	}
	s.memory[bytes] = true
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
