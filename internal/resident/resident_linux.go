package resident

import (
	"os"
	"strconv"
	"strings"
)

// Peak is the largest resident set of a running process so far, in bytes; 0
// when it cannot be read.
func Peak(pid int) int64 { return status(pid, "VmHWM:") }

// Files is what processes that share a file system have resident of files, in bytes.
// Processes that run the same program have the same files, and count once.
func Files(pids []int) (bytes int64) {
	programs := map[string]int64{}
	for _, pid := range pids {
		program, _ := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe") // none when it has ended
		programs[program] = max(programs[program], status(pid, "RssFile:"))
	}
	for _, n := range programs {
		bytes += n
	}
	return bytes
}

// status is a value of a process's status in bytes; 0 when it cannot be read.
func status(pid int, key string) int64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, key); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			if err != nil {
				return 0
			}
			return kib << 10
		}
	}
	return 0
}

// PeakBelow is the largest Peak of the descendants of a process.
func PeakBelow(pid int) (peak int64) {
	tasks := "/proc/" + strconv.Itoa(pid) + "/task"
	threads, err := os.ReadDir(tasks)
	if err != nil {
		return 0 // it has ended
	}
	for _, thread := range threads {
		children, _ := os.ReadFile(tasks + "/" + thread.Name() + "/children")
		for child := range strings.FieldsSeq(string(children)) {
			if n, err := strconv.Atoi(child); err == nil {
				peak = max(peak, Peak(n), PeakBelow(n))
			}
		}
	}
	return peak
}
