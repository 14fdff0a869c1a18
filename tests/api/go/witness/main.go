// Command witness cosigns the checkpoints of one log, out of parts that others wrote.
//
//	witness VKEY-FILE
//
// It prints its own verifier key and URL, and keeps what it has cosigned in memory. Go's note and
// tlog packages check, formats/note cosigns. Source: c2sp.org/tlog-witness.
package main

import (
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"

	cosign "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type witness struct {
	mutex    sync.Mutex
	verifier note.Verifier
	signer   note.Signer
	size     int64
	root     tlog.Hash
}

func main() {
	log.SetFlags(0)
	text, err := os.ReadFile(os.Args[1])
	check(err)
	verifier, err := note.NewVerifier(strings.TrimSpace(string(text)))
	check(err)
	skey, vkey, err := note.GenerateKey(rand.Reader, "witness.example/go")
	check(err)
	signer, err := cosign.NewSignerForCosignatureV1(skey)
	check(err)
	vkey, err = cosign.VKeyToCosignatureV1(vkey)
	check(err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Printf("%s http://%s/w\n", vkey, listener.Addr())
	served := &witness{verifier: verifier, signer: signer}
	http.HandleFunc("POST /w/add-checkpoint", served.add)
	check(http.Serve(listener, nil))
}

func (w *witness) add(out http.ResponseWriter, request *http.Request) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	body, err := io.ReadAll(io.LimitReader(request.Body, 1<<16))
	check(err)
	head, signed, _ := strings.Cut(string(body), "\n\n")
	lines := strings.Split(head, "\n")
	old, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "old "), 10, 64)
	if err != nil {
		http.Error(out, "no old size", http.StatusBadRequest)
		return
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(w.verifier))
	if err != nil {
		http.Error(out, err.Error(), http.StatusForbidden)
		return
	}
	claim := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(claim[1], 10, 64)
	if err != nil || claim[0] != w.verifier.Name() || old > size {
		http.Error(out, "not a checkpoint of this log", http.StatusBadRequest)
		return
	}
	root, err := tlog.ParseHash(claim[2])
	if err != nil || old != w.size || (old == size && old > 0 && root != w.root) {
		out.Header().Set("Content-Type", "text/x.tlog.size")
		out.WriteHeader(http.StatusConflict)
		fmt.Fprintf(out, "%d\n", w.size)
		return
	}
	var proof tlog.TreeProof
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			http.Error(out, err.Error(), http.StatusBadRequest)
			return
		}
		proof = append(proof, hash)
	}
	if old > 0 {
		if err := tlog.CheckTree(proof, size, root, old, w.root); err != nil {
			http.Error(out, err.Error(), http.StatusUnprocessableEntity)
			return
		}
	}
	w.size, w.root = size, root
	both, err := note.Sign(&note.Note{Text: opened.Text}, w.signer)
	check(err)
	fmt.Fprint(out, strings.TrimPrefix(string(both), opened.Text+"\n"))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
