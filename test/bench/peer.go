package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// peer is a server under test, in a process of its own.
type peer struct {
	cmd *exec.Cmd
	in  io.Closer
	url string
}

func (p *peer) stop() {
	_ = p.in.Close()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait()
}

// startBare starts this program again as the bare peer.
func startBare(bootstrap string, workers int) (*peer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "-bare", bootstrap, "-workers", fmt.Sprint(workers))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	return &peer{cmd: cmd, in: in, url: strings.TrimSpace(line)}, err
}

// startHearth starts a daemon on a free port and waits for it. Its functions need
// no network, and a benchmark must not change the host's firewall.
func startHearth(binary, dir string, flags ...string) (*peer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	_ = l.Close()
	logFile, err := os.Create(filepath.Join(dir, "serve.log"))
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(binary, append([]string{"serve", "--listen", addr, "--data-dir", filepath.Join(dir, "data"), "--log-level", "warn", "--network", "none"}, flags...)...)
	cmd.Stderr = logFile
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &peer{cmd: cmd, in: logFile, url: "http://" + addr}
	for range 200 {
		resp, err := http.Get(p.url + "/_hearth/health") //nolint:noctx // local
		if err == nil {
			_ = resp.Body.Close()
			return p, nil
		}
		pause(50 * time.Millisecond) // a process is on its way up
	}
	p.stop()
	return nil, fmt.Errorf("hearth did not come up; see %s", logFile.Name())
}

// invokeURL is where a function is invoked.
func (p *peer) invokeURL(function string) string {
	return p.url + "/2015-03-31/functions/" + function + "/invocations"
}

// create makes a function of files and waits until it is active.
func (p *peer) create(name, runtime, handler string, files map[string]string, layers ...string) error {
	code, err := archive(files)
	if err != nil {
		return err
	}
	err = p.call(http.MethodPost, "/2015-03-31/functions", map[string]any{
		"FunctionName": name, "Runtime": runtime, "Handler": handler, "Timeout": 30,
		"Role": "arn:aws:iam::000000000000:role/bench", "Layers": layers,
		"Code": map[string]string{"ZipFile": code},
	}, nil)
	if err != nil {
		return err
	}
	return p.settled(name)
}

// publishLayer makes a layer of files and returns its ARN.
func (p *peer) publishLayer(name string, files map[string]string) (string, error) {
	code, err := archive(files)
	if err != nil {
		return "", err
	}
	var made struct {
		LayerVersionArn string //nolint:revive // AWS's spelling
	}
	err = p.call(http.MethodPost, "/2018-10-31/layers/"+name+"/versions",
		map[string]any{"Content": map[string]string{"ZipFile": code}}, &made)
	return made.LayerVersionArn, err
}

// archive packs files, by their paths in the archive, and encodes it.
func archive(files map[string]string) (string, error) {
	var code bytes.Buffer
	zw := zip.NewWriter(&code)
	for path, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		h := &zip.FileHeader{Name: path, Method: zip.Deflate}
		h.SetMode(fs.FileMode(0o755))
		w, err := zw.CreateHeader(h)
		if err != nil {
			return "", err
		}
		if _, err := w.Write(data); err != nil {
			return "", err
		}
	}
	if err := zw.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(code.Bytes()), nil
}

// renew changes a function, so that its next invocation is a cold start.
func (p *peer) renew(name string, i int) error {
	err := p.call(http.MethodPut, "/2015-03-31/functions/"+name+"/configuration",
		map[string]any{"Description": fmt.Sprint("sample ", i)}, nil)
	if err != nil {
		return err
	}
	return p.settled(name)
}

func (p *peer) settled(name string) error {
	for range 1000 {
		var c struct{ State, LastUpdateStatus string }
		if err := p.call(http.MethodGet, "/2015-03-31/functions/"+name+"/configuration", nil, &c); err != nil {
			return err
		}
		if c.State == "Active" && c.LastUpdateStatus == "Successful" {
			return nil
		}
		pause(5 * time.Millisecond) // the daemon prepares the code
	}
	return fmt.Errorf("%s did not become active", name)
}

func (p *peer) call(method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequest(method, p.url+path, body) //nolint:noctx // local
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() // read only
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, data)
	}
	if out != nil {
		return json.Unmarshal(data, out)
	}
	return nil
}
