package runtimes

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// javaDirs lists the directories of this host that may hold a JDK's programs,
// the preferred first: what the environment names, those of distributions, and
// those of the tools that fetch JDKs, with the newest version first. What is on
// PATH and below /opt comes from HostDirs.
func javaDirs(env []string) []string {
	get := lookup(env)
	home := get("HOME")
	data := cmp.Or(get("XDG_DATA_HOME"), join(home, ".local/share"))
	sdkman := cmp.Or(get("SDKMAN_CANDIDATES_DIR"), join(cmp.Or(get("SDKMAN_DIR"), join(home, ".sdkman")), "candidates"))
	dirs := []string{join(get("JAVA_HOME"), "bin"), join(get("JDK_HOME"), "bin")}
	for _, home := range homesByVersion(env) {
		dirs = append(dirs, join(home, "bin"))
	}
	for _, pattern := range []string{
		"/usr/lib/jvm/*/bin",
		"/usr/lib64/jvm/*/bin",
		"/usr/java/*/bin",
		"/usr/local/openjdk-*/bin",
		join(sdkman, "java/*/bin"),
		join(cmp.Or(get("ASDF_DATA_DIR"), join(home, ".asdf")), "installs/java/*/bin"),
		join(cmp.Or(get("MISE_DATA_DIR"), join(data, "mise")), "installs/java/*/bin"),
		join(cmp.Or(get("JENV_ROOT"), join(home, ".jenv")), "versions/*/bin"),
		join(home, ".jdks/*/bin"),
		join(cmp.Or(get("GRADLE_USER_HOME"), join(home, ".gradle")), "jdks/*/bin"),
		"/home/linuxbrew/.linuxbrew/opt/openjdk*/bin",
		"/opt/homebrew/opt/openjdk*/bin",
		"/Library/Java/JavaVirtualMachines/*/Contents/Home/bin",
		join(home, "Library/Java/JavaVirtualMachines/*/Contents/Home/bin"),
	} {
		dirs = append(dirs, newestFirst(pattern)...)
	}
	return existing(dirs)
}

// homeByVersion matches the variables by which CI machines with several JDKs
// name them, such as JAVA_HOME_21_X64.
var homeByVersion = regexp.MustCompile(`^JAVA_HOME_\d+(_[[:alnum:]]+)?=(/.+)$`)

// homesByVersion lists the JDKs that such variables name, the newest first.
func homesByVersion(env []string) []string {
	var found []string
	for _, kv := range env {
		if homeByVersion.MatchString(kv) {
			found = append(found, kv)
		}
	}
	slices.SortFunc(found, func(a, b string) int { return slices.Compare(numbers(b), numbers(a)) })
	for i, kv := range found {
		found[i] = homeByVersion.FindStringSubmatch(kv)[2]
	}
	return found
}

// probeJava says what the JDK or JRE of a program is: what its release file
// says, for a JVM that is started to be asked needs a good part of a second.
// Where there is no such file, as beside scripts that start a JVM, it is asked.
func probeJava(ctx context.Context, path string, env []string) (Interpreter, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return Interpreter{}, fmt.Errorf("find the JDK of %s: %w", path, err)
	}
	prefix := filepath.Dir(filepath.Dir(real))
	version := releasedVersion(prefix)
	if version == "" {
		if prefix, version, err = askJava(ctx, real, env); err != nil {
			return Interpreter{}, err
		}
	}
	return Interpreter{
		Family: Java, Version: version, Executable: filepath.Join(prefix, "bin", "java"), Prefix: prefix, BasePrefix: prefix,
		Linked: linkedFiles(prefix),
	}, nil
}

// releasedVersion is the JAVA_VERSION of a JDK's release file; empty when it
// has none that tells it.
func releasedVersion(prefix string) string {
	release, err := os.ReadFile(filepath.Join(prefix, "release"))
	if err != nil || isShared(prefix) {
		return ""
	}
	for line := range strings.Lines(string(release)) {
		if quoted, ok := strings.CutPrefix(strings.TrimSpace(line), "JAVA_VERSION="); ok {
			version, err := strconv.Unquote(quoted)
			if err != nil {
				return ""
			}
			return version
		}
	}
	return ""
}

var (
	javaHome    = regexp.MustCompile(`(?m)^\s*java\.home = (/.*?)\s*$`)
	javaVersion = regexp.MustCompile(`(?m)^\s*java\.version = (\S+)`)
)

// askJava starts a JVM that tells where its home is and which version it has.
// A home that is shared with other programs is refused: functions would see
// them.
func askJava(ctx context.Context, path string, env []string) (home, version string, err error) {
	cmd := exec.CommandContext(ctx, path, "-XshowSettings:properties", "-version")
	cmd.Env, cmd.Dir, cmd.WaitDelay = probeEnv(env), "/", time.Second
	said := &head{}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Run(); err != nil {
		return "", "", fmt.Errorf("run %s: %w: %s", path, err, bytes.TrimSpace(said.Bytes()))
	}
	homeMatch, versionMatch := javaHome.FindSubmatch(said.Bytes()), javaVersion.FindSubmatch(said.Bytes())
	if homeMatch == nil || versionMatch == nil {
		return "", "", fmt.Errorf("%s does not say what it is", path)
	}
	home = filepath.Clean(string(homeMatch[1]))
	if isShared(home) {
		return "", "", fmt.Errorf("%s has its home in %s, with other programs", path, home)
	}
	if _, err := os.Stat(filepath.Join(home, "bin", "java")); err != nil {
		return "", "", fmt.Errorf("find the program of a JDK: %w", err)
	}
	return home, string(versionMatch[1]), nil
}

// linkedFiles returns the directories outside a JDK that its configuration and
// certificates link to: distributions keep them below /etc.
func linkedFiles(prefix string) []string {
	var dirs []string
	for _, part := range []string{"conf", filepath.Join("lib", "security")} {
		_ = filepath.WalkDir(filepath.Join(prefix, part), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.Type()&fs.ModeSymlink == 0 {
				return nil // what cannot be read has no links to follow
			}
			target, err := os.Readlink(path)
			if err != nil || !filepath.IsAbs(target) || within(target, "/usr") {
				return nil
			}
			if dir := filepath.Dir(target); !slices.ContainsFunc(dirs, func(have string) bool { return within(dir, have) }) {
				dirs = append(dirs, dir)
			}
			return nil
		})
	}
	return dirs
}
