// Command web is a web application that knows nothing of Lambda. As the
// bootstrap of a function it needs an adapter.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(http.ResponseWriter, *http.Request) {}) // whether it is ready
	mux.HandleFunc("POST /items/{id}", create)
	mux.HandleFunc("POST /stream", stream)
	mux.HandleFunc("POST /exit", func(http.ResponseWriter, *http.Request) { os.Exit(3) })
	if err := http.ListenAndServe("127.0.0.1:8080", mux); err != nil {
		fmt.Fprintln(os.Stderr, "web:", err)
		os.Exit(1)
	}
}

func create(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Println("creates", r.PathValue("id"))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{ // what fails is seen in the response
		"id": r.PathValue("id"), "q": r.FormValue("q"), "body": json.RawMessage(body), "context": r.Header.Get("X-Amzn-Lambda-Context") != "",
	})
}

// stream writes a part each time that it is sure that the one before was sent.
func stream(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Add("Set-Cookie", "a=b")
	for i := range 3 {
		fmt.Fprintf(w, "data: %d\n\n", i)
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
	}
}
