//go:build linux

package crash

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
)

// damage is a way in which a file goes bad. old is the same file some commits before.
type damage struct {
	name string
	do   func(r *rand.Rand, file, old []byte) []byte
	log  func(r *rand.Rand, whole, old files) files // of the log file, in place of do
}

func (d damage) to(r *rand.Rand, whole, old files) files {
	whole = whole.clone()
	if d.log != nil {
		return d.log(r, whole, old)
	}
	whole.ledger = d.do(r, whole.ledger, old.ledger)
	return whole
}

// logDamages are what happens to the log file, or between it and the ledger file.
var logDamages = []damage{
	{name: "one bit of the log file", log: func(r *rand.Rand, f, _ files) files {
		f.log[someFrame(r, f.log)+r.IntN(200)] ^= 1 << r.IntN(8)
		return f
	}},
	{name: "a page of the log file cleared", log: func(r *rand.Rand, f, _ files) files {
		clear(f.log[someFrame(r, f.log):][:pageSize])
		return f
	}},
	{name: "two pages of the log file swapped", log: func(r *rand.Rand, f, _ files) files {
		a, b := f.log[someFrame(r, f.log):][:pageSize], f.log[someFrame(r, f.log):][:pageSize]
		c := bytes.Clone(a)
		copy(a, b)
		copy(b, c)
		return f
	}},
	{name: "a page of the log file as it was", log: func(r *rand.Rand, f, old files) files {
		at := someFrame(r, f.log)
		copy(f.log[at:][:pageSize], old.log[at:])
		return f
	}},
	{name: "the log file cut off", log: func(r *rand.Rand, f, _ files) files {
		f.log = f.log[:r.IntN(len(f.log))]
		return f
	}},
	{name: "the log file longer", log: func(r *rand.Rand, f, _ files) files {
		f.log = append(f.log, make([]byte, pageSize)...)
		return f
	}},
	{name: "no log file", log: func(_ *rand.Rand, f, _ files) files {
		f.log = nil
		return f
	}},
	{name: "the log file of some commits before", log: func(_ *rand.Rand, f, old files) files {
		f.log = old.log
		return f
	}},
	{name: "the ledger file of some commits before", log: func(_ *rand.Rand, f, old files) files {
		f.ledger = old.ledger
		return f
	}},
}

// someFrame is the offset of a page of a log file in which something is written.
func someFrame(r *rand.Rand, log []byte) int {
	for {
		at := r.IntN(len(log)/pageSize) * pageSize
		if !bytes.Equal(log[at:][:pageSize], make([]byte, pageSize)) {
			return at
		}
	}
}

const pageSize = 4096

// somePage is the offset of a page behind the meta pages.
func somePage(r *rand.Rand, file []byte) int { return (2 + r.IntN(len(file)/pageSize-2)) * pageSize }

var damages = []damage{
	{name: "one bit", do: func(r *rand.Rand, file, _ []byte) []byte {
		file[r.IntN(len(file))] ^= 1 << r.IntN(8)
		return file
	}},
	{name: "one bit of a meta page", do: func(r *rand.Rand, file, _ []byte) []byte {
		file[r.IntN(2)*pageSize+r.IntN(80)] ^= 1 << r.IntN(8)
		return file
	}},
	{name: "bits of a page header", do: func(r *rand.Rand, file, _ []byte) []byte {
		file[somePage(r, file)+r.IntN(16)] ^= byte(1 + r.IntN(255))
		return file
	}},
	{name: "bits of an element", do: func(r *rand.Rand, file, _ []byte) []byte {
		file[somePage(r, file)+16+r.IntN(160)] ^= byte(1 + r.IntN(255))
		return file
	}},
	{name: "a page of zeros", do: func(r *rand.Rand, file, _ []byte) []byte {
		clear(file[somePage(r, file):][:pageSize])
		return file
	}},
	{name: "a sector of zeros", do: func(r *rand.Rand, file, _ []byte) []byte {
		clear(file[r.IntN(len(file)/512)*512:][:512])
		return file
	}},
	{name: "a page of noise", do: func(r *rand.Rand, file, _ []byte) []byte {
		p := file[somePage(r, file):][:pageSize]
		for i := range p {
			p[i] = byte(r.Uint32())
		}
		return file
	}},
	{name: "two pages swapped", do: func(r *rand.Rand, file, _ []byte) []byte {
		a, b := file[somePage(r, file):][:pageSize], file[somePage(r, file):][:pageSize]
		c := bytes.Clone(a)
		copy(a, b)
		copy(b, c)
		return file
	}},
	{name: "a page in another's place", do: func(r *rand.Rand, file, _ []byte) []byte {
		from, to := somePage(r, file), somePage(r, file)
		copy(file[to:][:pageSize], bytes.Clone(file[from:][:pageSize]))
		if r.IntN(2) == 0 { // with the right number
			binary.NativeEndian.PutUint64(file[to:], uint64(to/pageSize))
		}
		return file
	}},
	{name: "a page of earlier", do: func(r *rand.Rand, file, old []byte) []byte {
		at := r.IntN(len(old)/pageSize) * pageSize
		copy(file[at:][:pageSize], old[at:])
		return file
	}},
	{name: "the last row of a page cut off", do: func(r *rand.Rand, file, _ []byte) []byte {
		for range 20 {
			p := file[somePage(r, file):][:pageSize]
			if count := binary.NativeEndian.Uint16(p[10:]); binary.NativeEndian.Uint16(p[8:]) == 2 && count > 0 { // a leaf
				binary.NativeEndian.PutUint16(p[10:], count-1)
				break
			}
		}
		return file
	}},
	{name: "cut off", do: func(r *rand.Rand, file, _ []byte) []byte { return file[:r.IntN(len(file))] }},
	{name: "a branch that leads back", do: func(r *rand.Rand, file, _ []byte) []byte {
		p := file[somePage(r, file):][:pageSize]
		binary.NativeEndian.PutUint16(p[8:], 1)                  // a branch
		binary.NativeEndian.PutUint16(p[10:], 1)                 // of one element
		binary.NativeEndian.PutUint32(p[12:], 0)                 // without overflow
		binary.NativeEndian.PutUint32(p[16:], 16)                // whose key lies behind it
		binary.NativeEndian.PutUint32(p[20:], uint32(r.IntN(9))) // and is short
		leads := somePage(r, file)
		binary.NativeEndian.PutUint64(p[24:], uint64(leads/pageSize))
		return file
	}},
	{name: "a page in use that is free", do: func(r *rand.Rand, file, _ []byte) []byte {
		for at := 2 * pageSize; at < len(file); at += pageSize {
			p := file[at:][:pageSize]
			if count := binary.NativeEndian.Uint16(p[10:]); binary.NativeEndian.Uint16(p[8:]) == 0x10 && count > 0 && count < 500 {
				binary.NativeEndian.PutUint64(p[16+8*r.IntN(int(count)):], uint64(somePage(r, file)/pageSize))
			}
		}
		return file
	}},
}

// metaDamages mostly damage the meta page that counts, so that bbolt takes the other one.
var metaDamages = []damage{
	damages[1],
	{name: "one bit of the newer meta page", do: func(r *rand.Rand, file, _ []byte) []byte {
		newerMeta(file)[someOf(r, 0, 10, 16, 80)] ^= 1 << r.IntN(8)
		return file
	}},
	{name: "bytes of the newer meta page", do: func(r *rand.Rand, file, _ []byte) []byte {
		for at := someOf(r, 0, 10, 16, 80); at < 80 && r.IntN(10) > 0; at++ {
			newerMeta(file)[at] ^= byte(1 + r.IntN(255))
		}
		return file
	}},
	{name: "the newer meta page cleared", do: func(r *rand.Rand, file, _ []byte) []byte {
		clear(newerMeta(file)[:1+r.IntN(pageSize)])
		return file
	}},
}

// newerMeta is the meta page of the last commit.
func newerMeta(file []byte) []byte {
	tx := func(page int) uint64 { return binary.NativeEndian.Uint64(file[page*pageSize+16+48:]) }
	if tx(0) > tx(1) {
		return file[:pageSize]
	}
	return file[pageSize:][:pageSize]
}

// someOf draws a number from one of the ranges that are given as from, to, from, to ….
func someOf(r *rand.Rand, bounds ...int) int {
	i := 2 * r.IntN(len(bounds)/2)
	return bounds[i] + r.IntN(bounds[i+1]-bounds[i])
}
