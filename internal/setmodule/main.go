// Command setmodule gives the module another path: whoever publishes the project runs
// it once, and commits what it changed.
//
//	go run ./internal/setmodule example.org/you/creditledger
//
// It changes go.mod, the modules below that use this one, every import, and every
// mention of a package in comments and in documentation. A path that is no module path
// is refused before anything is written.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./internal/setmodule MODULE, for example example.org/you/creditledger")
		os.Exit(2)
	}
	files, err := setModule(".", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "setmodule:", err)
		os.Exit(1)
	}
	fmt.Printf("the module is %s now: %d files changed\n", os.Args[1], files)
}
