// The schema registry that franz-go's tests use, as a program: srfake ADDRESS
package main

import (
	"log"
	"net"
	"net/http"
	"os"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
)

func main() {
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	registry := srfake.NewRegistry(srfake.WithGlobalCompat(sr.CompatBackward))
	log.Fatal(http.Serve(listener, registry.Handler()))
}
