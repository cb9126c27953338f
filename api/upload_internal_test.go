package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

// whole is an input as encoding/json decodes it by itself, streamed one whose archive
// does not go through memory.
type (
	whole struct {
		Role *string
		Code *struct {
			ZipFile  []byte
			S3Bucket *string
		}
	}
	streamed struct {
		Role *string
		Code *struct {
			ZipFile  *Archive
			S3Bucket *string
		}
	}
)

// receive reads a body as a router does. The caller closes what it returns.
func receive(t testing.TB, dir string, body io.Reader, limit int64) (*request, string, error) {
	t.Helper()
	r := httptest.NewRequest("POST", "/", body)
	u, hash, err := readUpload(r, limit, "Code.ZipFile", dir, true)
	return &request{http: r, upload: u, data: u.rest.Bytes()}, hash, err
}

// decoded returns what a body is decoded to, and the archive's content; nil: none.
func decoded(t testing.TB, body string) (in streamed, zip []byte, err error) {
	t.Helper()
	dir := t.TempDir()
	r, hash, err := receive(t, dir, iotest.HalfReader(strings.NewReader(body)), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	if hash != HashBody([]byte(body)) {
		t.Errorf("hash %s", hash)
	}
	r.json(&in)
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("files with a name: %v %v", left, err)
	}
	if r.err != nil || in.Code == nil || in.Code.ZipFile == nil {
		return in, nil, r.err
	}
	r.archive(&in.Code.ZipFile)
	zip, err = io.ReadAll(io.NewSectionReader(in.Code.ZipFile, 0, in.Code.ZipFile.Size()))
	if err != nil {
		t.Error(err)
	}
	if sum := in.Code.ZipFile.Sum(); sum != sha256.Sum256(zip) {
		t.Errorf("sum %x", sum)
	}
	return in, zip, r.err
}

// same checks that a body is decoded as encoding/json decodes it, errors included.
func same(t *testing.T, body string) {
	t.Helper()
	var want whole
	wantErr := error(nil)
	if len(body) > 0 {
		if err := json.Unmarshal([]byte(body), &want); err != nil {
			wantErr = jsonError([]byte(body), err)
		}
	}
	in, zip, err := decoded(t, body)
	if wantErr != nil || err != nil {
		const corrupt = "illegal base64"
		switch {
		case wantErr == nil || err == nil:
			t.Errorf("%.200q: error %v, want %v", body, err, wantErr)
		case strings.Contains(wantErr.Error(), corrupt) || strings.Contains(err.Error(), corrupt):
			// Of several mistakes another one may come first.
		case err.Error() != wantErr.Error():
			t.Errorf("%.200q: error %v, want %v", body, err, wantErr)
		}
		return
	}
	if Value(in.Role) != Value(want.Role) || (in.Code == nil) != (want.Code == nil) {
		t.Errorf("%.200q: got %+v, want %+v", body, in, want)
	}
	if want.Code == nil {
		return
	}
	if !bytes.Equal(zip, want.Code.ZipFile) || (zip == nil) != (want.Code.ZipFile == nil) || Value(in.Code.S3Bucket) != Value(want.Code.S3Bucket) {
		t.Errorf("%.200q: got %q, want %q", body, zip, want.Code.ZipFile)
	}
}

// bodies are bodies with an archive, in good and in bad form.
func bodies() []string {
	return []string{
		``, `{}`, `null`, `{"Code":null}`, `{"Code":{}}`, `[]`, `"ZipFile"`, `{"ZipFile":"UEsDBA=="}`,
		`{"Role":"r","Code":{"ZipFile":"UEsDBA==","S3Bucket":"b"}}`,
		` { "Role" : "r" , "Code" : { "S3Bucket" : "b" , "ZipFile" : "UEsDBA==" } } `,
		`{"code":{"zIPfILE":"UEsDBA=="}}`, `{"C\u006fde":{"ZipFile":"UEsDBA=="}}`, `{"Code":{"\u017fipFile":"UEsDBA==","Zip\u0046ile":"aaaa"}}`,
		`{"Code":{"ZipFile":""}}`, `{"Code":{"ZipFile":null}}`, `{"Code":{"ZipFile":1}}`, `{"Code":{"ZipFile":true}}`, `{"Code":{"ZipFile":{}}}`,
		`{"Code":{"ZipFile":[1,2,3]}}`, `{"Code":{"ZipFile":["UEsDBA=="]}}`, `{"Code":{"ZipFile":"aaaa"},"Role":5}`,
		`{"Code":{"ZipFile":"aaaa","ZipFile":"bbbb"}}`, `{"Code":{"ZipFile":"aaaa","ZipFile":null}}`, `{"Code":{"ZipFile":null,"ZipFile":"aaaa"}}`,
		`{"Code":{"ZipFile":"aaaa"},"Code":{"S3Bucket":"b"}}`, `{"Code":{"ZipFile":"aaaa"},"Code":null}`,
		`{"Code":[{"ZipFile":"aaaa"}]}`, `{"Role":{"Code":{"ZipFile":"aaaa"}}}`, `{"X":{"Code":{"ZipFile":"a"}},"Code":{"X":{"ZipFile":"a"},"ZipFile":"bbbb"}}`,
		`{"Code":{"ZipFile":"aa\/a"}}`, `{"Code":{"ZipFile":"aa\u002fa"}}`, `{"Code":{"ZipFile":"aa\r\naa\naaaa\n"}}`, `{"Code":{"ZipFile":"UEs\nDBA=\n="}}`,
		`{"Code":{"ZipFile":"aaa"}}`, `{"Code":{"ZipFile":"aa!a"}}`, `{"Code":{"ZipFile":"aa==aaaa"}}`, `{"Code":{"ZipFile":"a\u00e9aa"}}`, `{"Code":{"ZipFile":"aéaa"}}`,
		`{"Code":{"ZipFile":"aa\qa"}}`, `{"Code":{"ZipFile":"aa\u00zza"}}`, `{"Code":{"ZipFile":"aa` + "\n" + `aa"}}`, `{"Code":{"ZipFile":"aa`, `{"Code":{"ZipFile":"aa\`, `{"Code":{"ZipFile":"aa\u0`,
		`{"Code":{"ZipFile":"aaaa" "bbbb"}}`, `{"Code":{"ZipFile""aaaa"}}`, `{"Code":{"ZipFile":"aaaa"]}`, `{"Code":{"ZipFile":"aaaa"}}x`, `}{"Code":{"ZipFile":"aaaa"}}`,
		strings.Repeat("[", maxLevels+10) + `{"Code":`, `{"Code":{"ZipFile":"` + strings.Repeat("aaaa", decodeAtOnce/4) + `"}}`,
		`{"Code":{"ZipFile":"` + strings.Repeat("aaaa", decodeAtOnce) + `!"}}`, `{"Code":{"ZipFile":"` + strings.Repeat("aaa\n", decodeAtOnce) + `"}}`,
		`{"Code":{"ZipFile":"` + strings.Repeat("aaaa", decodeAtOnce/4-1) + `aa==bbbb"}}`,
	}
}

func TestUpload_DecodesAsEncodingJSONDoes(t *testing.T) {
	for _, body := range bodies() {
		same(t, body)
	}
}

func FuzzUpload(f *testing.F) {
	for _, body := range bodies() {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) { same(t, body) })
}

// The positions that encoding/base64 has for the whole, also behind the first piece.
func TestUpload_CorruptBase64_SaysWhere(t *testing.T) {
	const long = decodeAtOnce * 3
	for name, chars := range map[string]string{
		"character":         "aa!a",
		"too short":         "aaa",
		"padding":           "aa==aaaa",
		"long, character":   strings.Repeat("a", long) + "aa!a",
		"long, too short":   strings.Repeat("a", long+2),
		"long, padding":     strings.Repeat("a", long-4) + "aa==aaaa",
		"long, half padded": strings.Repeat("a", long-4) + "aa=aaaaa",
	} {
		_, want := base64.StdEncoding.DecodeString(chars)
		_, _, err := decoded(t, `{"Code":{"ZipFile":"`+chars+`"}}`)
		if text := "Could not parse request body into json: " + want.Error(); err == nil || err.Error() != text {
			t.Errorf("%s: got %v, want %s", name, err, text)
		}
	}
}

// zeros are n characters of base64 for zeros, in a body.
func zeros(n int64) (io.Reader, int64) {
	const head, tail = `{"Code":{"ZipFile":"`, `"},"Role":"r"}`
	return io.MultiReader(strings.NewReader(head), io.LimitReader(letterA{}, n), strings.NewReader(tail)), n + int64(len(head)+len(tail))
}

type letterA struct{}

func (letterA) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'A'
	}
	return len(p), nil
}

func TestUpload_LargeArchive_IsNotInMemory(t *testing.T) {
	dir := t.TempDir()
	body, size := zeros(MaxRequest &^ 3 / 2)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, _, err := receive(t, dir, body, size)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	var in streamed
	r.json(&in)
	runtime.ReadMemStats(&after)
	r.archive(&in.Code.ZipFile)
	if got := in.Code.ZipFile.Size(); r.err != nil || got < 24<<20 || Value(in.Role) != "r" {
		t.Fatalf("%d bytes, error %v", got, r.err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("allocated %d bytes", got)
	}
}

func TestUpload_BeyondTheLimit_IsRefused(t *testing.T) {
	body, size := zeros(1 << 20)
	r, _, err := receive(t, t.TempDir(), body, size-1)
	defer r.close()
	if err != errBodyTooLarge { //nolint:errorlint // this one, unwrapped, is the contract with the router
		t.Errorf("got %v", err)
	}
}

func TestUpload_NoRoomForTheArchive_IsAFault(t *testing.T) {
	body, size := zeros(1 << 20)
	r, _, err := receive(t, t.TempDir()+"/missing", body, size)
	defer r.close()
	if err == nil || !strings.Contains(err.Error(), "keep the archive of a request") {
		t.Errorf("got %v", err)
	}
}
