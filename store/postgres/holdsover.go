package postgres

import (
	"runtime"
	"sync"
	"sync/atomic"
	"weak"

	"github.com/jackc/pgx/v5/pgxpool"
)

// holdsOver counts holds by pool.
var holdsOver struct {
	mu sync.Mutex
	of map[weak.Pointer[pgxpool.Pool]]*atomic.Int64
}

// holdsOf is the count of a pool's holds.
func holdsOf(pool *pgxpool.Pool) *atomic.Int64 {
	o := &holdsOver
	o.mu.Lock()
	defer o.mu.Unlock()
	key := weak.Make(pool)
	n := o.of[key]
	if n == nil {
		n = new(atomic.Int64)
		if o.of == nil {
			o.of = map[weak.Pointer[pgxpool.Pool]]*atomic.Int64{}
		}
		o.of[key] = n
		runtime.AddCleanup(pool, func(key weak.Pointer[pgxpool.Pool]) {
			o.mu.Lock()
			defer o.mu.Unlock()
			delete(o.of, key)
		}, key)
	}
	return n
}
