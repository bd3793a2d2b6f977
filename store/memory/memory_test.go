package memory_test

import (
	"testing"

	"creditledger"
	"creditledger/store/memory"
	"creditledger/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) creditledger.Store { return memory.New() })
}
