package bolt_test

import (
	"path/filepath"
	"testing"

	"creditledger"
	"creditledger/store/bolt"
	"creditledger/store/storetest"
)

func TestStore(t *testing.T) {
	paths := make(map[creditledger.Store]string)
	open := func(t *testing.T, path string) creditledger.Store {
		t.Helper()
		s, err := bolt.Open(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		paths[s] = path
		return s
	}
	storetest.RunReopen(t, func(t *testing.T) creditledger.Store {
		return open(t, filepath.Join(t.TempDir(), "ledger.db"))
	}, func(t *testing.T, s creditledger.Store) creditledger.Store {
		if err := s.(*bolt.Store).Close(); err != nil {
			t.Fatal(err)
		}
		return open(t, paths[s])
	})
}
