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
}

const pageSize = 4096

// somePage is the offset of a page behind the meta pages.
func somePage(r *rand.Rand, file []byte) int { return (2 + r.IntN(len(file)/pageSize-2)) * pageSize }

var damages = []damage{
	{"one bit", func(r *rand.Rand, file, _ []byte) []byte {
		file[r.IntN(len(file))] ^= 1 << r.IntN(8)
		return file
	}},
	{"one bit of a meta page", func(r *rand.Rand, file, _ []byte) []byte {
		file[r.IntN(2)*pageSize+r.IntN(80)] ^= 1 << r.IntN(8)
		return file
	}},
	{"bits of a page header", func(r *rand.Rand, file, _ []byte) []byte {
		file[somePage(r, file)+r.IntN(16)] ^= byte(1 + r.IntN(255))
		return file
	}},
	{"bits of an element", func(r *rand.Rand, file, _ []byte) []byte {
		file[somePage(r, file)+16+r.IntN(160)] ^= byte(1 + r.IntN(255))
		return file
	}},
	{"a page of zeros", func(r *rand.Rand, file, _ []byte) []byte {
		clear(file[somePage(r, file):][:pageSize])
		return file
	}},
	{"a sector of zeros", func(r *rand.Rand, file, _ []byte) []byte {
		clear(file[r.IntN(len(file)/512)*512:][:512])
		return file
	}},
	{"a page of noise", func(r *rand.Rand, file, _ []byte) []byte {
		p := file[somePage(r, file):][:pageSize]
		for i := range p {
			p[i] = byte(r.Uint32())
		}
		return file
	}},
	{"two pages swapped", func(r *rand.Rand, file, _ []byte) []byte {
		a, b := file[somePage(r, file):][:pageSize], file[somePage(r, file):][:pageSize]
		c := bytes.Clone(a)
		copy(a, b)
		copy(b, c)
		return file
	}},
	{"a page in another's place", func(r *rand.Rand, file, _ []byte) []byte {
		from, to := somePage(r, file), somePage(r, file)
		copy(file[to:][:pageSize], bytes.Clone(file[from:][:pageSize]))
		if r.IntN(2) == 0 { // with the right number
			binary.NativeEndian.PutUint64(file[to:], uint64(to/pageSize))
		}
		return file
	}},
	{"a page of earlier", func(r *rand.Rand, file, old []byte) []byte {
		at := r.IntN(len(old)/pageSize) * pageSize
		copy(file[at:][:pageSize], old[at:])
		return file
	}},
	{"the last row of a page cut off", func(r *rand.Rand, file, _ []byte) []byte {
		for range 20 {
			p := file[somePage(r, file):][:pageSize]
			if count := binary.NativeEndian.Uint16(p[10:]); binary.NativeEndian.Uint16(p[8:]) == 2 && count > 0 { // a leaf
				binary.NativeEndian.PutUint16(p[10:], count-1)
				break
			}
		}
		return file
	}},
	{"cut off", func(r *rand.Rand, file, _ []byte) []byte { return file[:r.IntN(len(file))] }},
	{"a branch that leads back", func(r *rand.Rand, file, _ []byte) []byte {
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
	{"a page in use that is free", func(r *rand.Rand, file, _ []byte) []byte {
		for at := 2 * pageSize; at < len(file); at += pageSize {
			p := file[at:][:pageSize]
			if count := binary.NativeEndian.Uint16(p[10:]); binary.NativeEndian.Uint16(p[8:]) == 0x10 && count > 0 && count < 500 {
				binary.NativeEndian.PutUint64(p[16+8*r.IntN(int(count)):], uint64(somePage(r, file)/pageSize))
			}
		}
		return file
	}},
}

// metaDamages are of the meta page that counts, mostly: bbolt would take the other one.
var metaDamages = []damage{
	damages[1],
	{"one bit of the newer meta page", func(r *rand.Rand, file, _ []byte) []byte {
		newerMeta(file)[someOf(r, 0, 10, 16, 80)] ^= 1 << r.IntN(8)
		return file
	}},
	{"bytes of the newer meta page", func(r *rand.Rand, file, _ []byte) []byte {
		for at := someOf(r, 0, 10, 16, 80); at < 80 && r.IntN(10) > 0; at++ {
			newerMeta(file)[at] ^= byte(1 + r.IntN(255))
		}
		return file
	}},
	{"the newer meta page cleared", func(r *rand.Rand, file, _ []byte) []byte {
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

// someOf is a number of one of the ranges from, to, from, to ….
func someOf(r *rand.Rand, bounds ...int) int {
	i := 2 * r.IntN(len(bounds)/2)
	return bounds[i] + r.IntN(bounds[i+1]-bounds[i])
}
