package creditledger

import (
	"crypto/sha256"
	"encoding/hex"
)

// Seal is the SHA-256 of a journal record's canonical bytes. Each record holds the
// seal of the one before it, so a seal stands for the whole history up to it.
type Seal [sha256.Size]byte

// String returns the seal in hexadecimal.
func (s Seal) String() string { return hex.EncodeToString(s[:]) }

// SealOf returns the seal of a record's canonical bytes.
func SealOf(record []byte) Seal { return sha256.Sum256(record) }
