// pulumi-language-python for the local engine: it starts the Python program, and Python policy packs, for
// `pulumi`. The official language host is in no Go module proxy; this one holds what this project needs.
package main

import (
	"fmt"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "pulumi-language-python:", err)
		os.Exit(1)
	}
}

func serve() error {
	endWithParent()
	h := &host{}
	if len(os.Args) > 1 {
		h.engine = os.Args[len(os.Args)-1] // replaced by the handshake where the engine makes one
	}
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel: make(chan bool),
		Init: func(s *grpc.Server) error {
			pulumirpc.RegisterLanguageRuntimeServer(s, h)
			return nil
		},
	})
	if err != nil {
		return err
	}
	fmt.Println(handle.Port) // how the engine learns where to call
	return <-handle.Done
}
