// Command verifier checks a tile log with golang.org/x/mod/sumdb, sharing no code with the bridge.
//
//	verifier URL VKEY [STATE]
//
// URL is where the log is served, the part before /checkpoint. Everything is checked: the checkpoint's signature, that
// every entry of every bundle hashes to the leaf in the tile beside it, that the tiles hash to the signed root, and an
// inclusion proof for entries across the log. With STATE, a file, it also checks that the log grew from what it was
// when it was last verified with that file, and remembers what it is now.
//
// Exits 0 when all of it holds, 1 naming the first thing that does not, 2 when called wrongly.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height = 8
	width  = 1 << height
	// The most that one answer may have: a full bundle of the longest entries.
	largest = width * (65535 + 2)
)

var client = &http.Client{Timeout: 30 * time.Second}

func get(url string) ([]byte, error) {
	answer, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s says %s", url, answer.Status)
	}
	return io.ReadAll(io.LimitReader(answer.Body, largest+1))
}

// number is a tile's number as C2SP spells it: three digits a step, all steps but the last with an x before them.
func number(n int64) string {
	text := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		text = fmt.Sprintf("x%03d/%s", n%1000, text)
	}
	return text
}

// partial is what follows the path of a tile that is not full.
func partial(w int) string {
	if w == width {
		return ""
	}
	return fmt.Sprintf(".p/%d", w)
}

// tiles reads hash tiles of a log, for the proofs of package tlog.
type tiles struct {
	base string
	kept map[tlog.Tile][]byte
}

func (t *tiles) Height() int { return height }

func (t *tiles) SaveTiles(verified []tlog.Tile, data [][]byte) {
	for i, tile := range verified {
		t.kept[tile] = data[i]
	}
}

func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	read := make([][]byte, len(wanted))
	for i, tile := range wanted {
		if data, ok := t.kept[tile]; ok {
			read[i] = data
			continue
		}
		data, err := get(fmt.Sprintf("%s/tile/%d/%s%s", t.base, tile.L, number(tile.N), partial(tile.W)))
		if err != nil {
			return nil, err
		}
		if len(data) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("tile %v has %d bytes", tile, len(data))
		}
		read[i] = data
	}
	return read, nil
}

// checkpoint is a tree as a signed note tells of it: origin, size and root, a line each.
func checkpoint(text string) (tlog.Tree, string, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return tlog.Tree{}, "", errors.New("the checkpoint does not have three lines")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || strconv.FormatInt(size, 10) != lines[1] {
		return tlog.Tree{}, "", fmt.Errorf("the size is %q", lines[1])
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tlog.Tree{}, "", fmt.Errorf("the root is %q", lines[2])
	}
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	return tree, lines[0], nil
}

// bundle reads the entries of an entry bundle.
func bundle(data []byte, w int) ([][]byte, error) {
	entries := make([][]byte, 0, w)
	for len(entries) < w {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("the bundle ends within entry %d", len(entries))
		}
		length := int(binary.BigEndian.Uint16(data))
		entries = append(entries, data[2:2+length])
		data = data[2+length:]
	}
	if len(data) > 0 {
		return nil, fmt.Errorf("%d bytes follow the last entry", len(data))
	}
	return entries, nil
}

func verify(base, vkey, state string) (string, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return "", fmt.Errorf("the verifier key: %w", err)
	}
	signed, err := get(base + "/checkpoint")
	if err != nil {
		return "", err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return "", fmt.Errorf("the checkpoint: %w", err)
	}
	tree, origin, err := checkpoint(opened.Text)
	if err != nil {
		return "", err
	}
	if origin != verifier.Name() {
		return "", fmt.Errorf("the checkpoint is of %q, the key of %q", origin, verifier.Name())
	}
	if tree.N == 0 {
		return "an empty log", nil
	}

	// TileHashReader checks every tile that it hands out against the signed root.
	reader := tlog.TileHashReader(tree, &tiles{base: base, kept: map[tlog.Tile][]byte{}})
	root, err := tlog.TreeHash(tree.N, reader)
	if err != nil {
		return "", err
	}
	if root != tree.Hash {
		return "", fmt.Errorf("the tiles hash to %v, and %v was signed", root, tree.Hash)
	}
	for n := int64(0); n*width < tree.N; n++ {
		w := width
		if rest := tree.N - n*width; rest < width {
			w = int(rest)
		}
		name := path.Join("tile/entries", number(n)) + partial(w)
		data, err := get(base + "/" + name)
		if err != nil {
			return "", err
		}
		entries, err := bundle(data, w)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		indexes := make([]int64, w)
		for i := range indexes {
			indexes[i] = tlog.StoredHashIndex(0, n*width+int64(i))
		}
		leaves, err := reader.ReadHashes(indexes)
		if err != nil {
			return "", err
		}
		for i, entry := range entries {
			if tlog.RecordHash(entry) != leaves[i] {
				return "", fmt.Errorf("entry %d is not what its tile says", n*width+int64(i))
			}
		}
	}
	step := tree.N/97 + 1
	for index := int64(0); index < tree.N; index += step {
		leaf, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
		if err != nil {
			return "", err
		}
		proof, err := tlog.ProveRecord(tree.N, index, reader)
		if err != nil {
			return "", err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaf[0]); err != nil {
			return "", fmt.Errorf("entry %d: %w", index, err)
		}
	}
	said := fmt.Sprintf("%d entries of %s hold under %v", tree.N, origin, tree.Hash)
	if state == "" {
		return said, nil
	}
	before, err := os.ReadFile(state)
	if err == nil {
		old, err := note.Open(before, note.VerifierList(verifier))
		if err != nil {
			return "", fmt.Errorf("the remembered checkpoint: %w", err)
		}
		then, _, err := checkpoint(old.Text)
		if err != nil {
			return "", err
		}
		if then.N > tree.N {
			return "", fmt.Errorf("the log had %d entries and has %d now", then.N, tree.N)
		}
		if then.N > 0 {
			proof, err := tlog.ProveTree(tree.N, then.N, reader)
			if err != nil {
				return "", err
			}
			if err := tlog.CheckTree(proof, tree.N, tree.Hash, then.N, then.Hash); err != nil {
				return "", fmt.Errorf("the log did not grow from what it was at %d: %w", then.N, err)
			}
		}
		said += fmt.Sprintf(", grown from %d", then.N)
	}
	return said, os.WriteFile(state, signed, 0o600)
}

func main() {
	if len(os.Args) != 3 && len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "verifier URL VKEY [STATE]")
		os.Exit(2)
	}
	state := ""
	if len(os.Args) == 4 {
		state = os.Args[3]
	}
	said, err := verify(strings.TrimRight(os.Args[1], "/"), os.Args[2], state)
	if err != nil {
		fmt.Fprintln(os.Stderr, "verifier:", err)
		os.Exit(1)
	}
	fmt.Println(said)
}
