module creditledger

go 1.26

require (
	github.com/cockroachdb/apd/v3 v3.2.3
	github.com/google/uuid v1.6.0
	go.etcd.io/bbolt v1.5.0
	pgregory.net/rapid v1.3.0
)
