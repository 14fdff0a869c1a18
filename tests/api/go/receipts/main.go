// Command receipts checks, with Go's own note and tlog packages, what policyd signs and proves.
//
//	receipts VKEY-FILE CHECKPOINT RECEIPT GROWTH OLD-CHECKPOINT
//
// A receipt (C2SP tlog-proof) must hold the record's bytes; growth is the consistency proof from the
// old checkpoint. The first thing that does not hold ends it with status 1.
package main

import (
	"encoding/base64"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type tree struct {
	size int64
	root tlog.Hash
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 6 {
		log.Fatal("usage: receipts VKEY-FILE CHECKPOINT RECEIPT GROWTH OLD-CHECKPOINT")
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(read(os.Args[1])))
	check(err)
	newest := opened(read(os.Args[2]), verifier)
	fmt.Printf("checkpoint of %d records\n", newest.size)

	head, signed := cut(read(os.Args[3]))
	claimed := opened(signed, verifier)
	index := number(strings.TrimPrefix(head[2], "index "))
	record, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(head[1], "extra "))
	check(err)
	check(tlog.CheckRecord(hashes(head[3:]), claimed.size, claimed.root, index, tlog.RecordHash(record)))
	fmt.Printf("record %d is in the tree of %d\n", index, claimed.size)

	head, signed = cut(read(os.Args[4]))
	later, old := opened(signed, verifier), opened(read(os.Args[5]), verifier)
	check(tlog.CheckTree(hashes(head[1:]), later.size, later.root, old.size, old.root))
	fmt.Printf("the tree of %d goes on from that of %d\n", later.size, old.size)
}

func opened(text string, verifier note.Verifier) tree {
	signed, err := note.Open([]byte(text), note.VerifierList(verifier))
	check(err)
	lines := strings.Split(signed.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		log.Fatalf("not a checkpoint: %q", signed.Text)
	}
	root, err := tlog.ParseHash(lines[2])
	check(err)
	return tree{number(lines[1]), root}
}

func cut(text string) ([]string, string) {
	head, signed, found := strings.Cut(text, "\n\n")
	if !found {
		log.Fatal("no checkpoint in it")
	}
	return strings.Split(head, "\n"), signed
}

func hashes(lines []string) []tlog.Hash {
	var all []tlog.Hash
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		check(err)
		all = append(all, hash)
	}
	return all
}

func number(text string) int64 {
	value, err := strconv.ParseInt(text, 10, 64)
	check(err)
	return value
}

func read(path string) string {
	data, err := os.ReadFile(path)
	check(err)
	return string(data)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
