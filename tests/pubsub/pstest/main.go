// The Pub/Sub server that Google's Go client is tested with, as a program: pstest ADDRESS
package main

import (
	"log"
	"os"

	"cloud.google.com/go/pubsub/v2/pstest"
)

func main() {
	server := pstest.NewServerWithAddress(os.Args[1])
	log.Print("listening at ", server.Addr)
	select {}
}
