// The functions of the tests, by inngestgo. It is built inside of a clone of the SDK, which vendors what it needs.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/inngest/inngestgo"
	"github.com/inngest/inngestgo/group"
	"github.com/inngest/inngestgo/step"
)

type body struct {
	RunID string `json:"runId"`
	Name  string `json:"name"`
}

type data = map[string]any

var (
	mutex  sync.Mutex
	bodies []body
)

// ran notes that a body runs; it returns how often it has run for this run.
func ran(runID, name string) int {
	mutex.Lock()
	defer mutex.Unlock()
	bodies = append(bodies, body{runID, name})
	count := 0
	for _, each := range bodies {
		if each == (body{runID, name}) {
			count++
		}
	}
	return count
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

type input = inngestgo.Input[data]

func drip(ctx context.Context, in input) (any, error) {
	run := in.InputCtx.RunID
	_, _ = step.Run(ctx, "send welcome", func(context.Context) (int, error) { return ran(run, "welcome"), nil })
	match := "async.data.email == event.data.email"
	opts := step.WaitForEventOpts{Event: "shop/confirmed", If: &match, Timeout: 48 * time.Hour}
	if _, err := step.WaitForEvent[any](ctx, "first", opts); err == nil {
		return data{"outcome": "at once"}, nil
	} else if !errors.Is(err, step.ErrEventNotReceived) {
		return nil, err
	}
	_, _ = step.Run(ctx, "send reminder", func(context.Context) (int, error) { return ran(run, "reminder"), nil })
	if _, err := step.WaitForEvent[any](ctx, "second", opts); err != nil {
		return data{"outcome": "never"}, nil
	}
	return data{"outcome": "late"}, nil
}

func parallel(ctx context.Context, in input) (any, error) {
	branch := func(name string) func(context.Context) (any, error) {
		return func(ctx context.Context) (any, error) {
			return step.Run(ctx, name, func(context.Context) (string, error) {
				ran(in.InputCtx.RunID, name)
				return strings.ToUpper(name), nil
			})
		}
	}
	results := group.Parallel(ctx, branch("a"), branch("b"))
	return []any{results[0].Value, results[1].Value}, nil
}

func retries(ctx context.Context, in input) (any, error) {
	return step.Run(ctx, "flaky", func(context.Context) (int, error) {
		if n := ran(in.InputCtx.RunID, "flaky"); n < 3 {
			return 0, fmt.Errorf("not yet: %d", n)
		}
		return 3, nil
	})
}

func caught(ctx context.Context, in input) (any, error) {
	_, err := step.Run(ctx, "hopeless", func(context.Context) (int, error) {
		return 0, inngestgo.NoRetryError(errors.New("card is stolen"))
	})
	return err != nil, nil
}

func naps(ctx context.Context, in input) (any, error) {
	step.Sleep(ctx, "nap", 24*time.Hour)
	_, err := step.Send(ctx, "tell", inngestgo.Event{Name: "shop/told", Data: data{"n": 1}})
	return "slept", err
}

func fetches(ctx context.Context, in input) (any, error) {
	url, _ := in.Event.Data["url"].(string)
	answer, err := step.Fetch[string](ctx, "ask", step.FetchOpts{URL: url, Method: "POST", Body: "hello"})
	return data{"status": answer.StatusCode, "text": answer.Body}, err
}

func big(ctx context.Context, in input) (any, error) {
	size := 0
	for n := 0; n < 6; n++ {
		text, err := step.Run(ctx, fmt.Sprintf("part %d", n), func(context.Context) (string, error) {
			return string(make([]byte, 0)) + fmt.Sprintf("%01000000d", n), nil
		})
		if err != nil {
			return nil, err
		}
		size += len(text)
	}
	return size, nil
}

func create(client inngestgo.Client, id, event string, retries *int, f inngestgo.SDKFunction[data]) {
	must(inngestgo.CreateFunction(client, inngestgo.FunctionOpts{ID: id, Retries: retries}, inngestgo.EventTrigger(event, nil), f))
}

func main() {
	client := must(inngestgo.NewClient(inngestgo.ClientOpts{AppID: "goshop"}))
	three := 3
	create(client, "drip", "shop/signed.up", nil, drip)
	create(client, "parallel", "shop/parallel", nil, parallel)
	create(client, "retries", "shop/retries", &three, retries)
	create(client, "caught", "shop/caught", nil, caught)
	create(client, "naps", "shop/naps", nil, naps)
	create(client, "fetches", "shop/fetches", nil, fetches)
	create(client, "big", "shop/big", nil, big)
	http.Handle("/api/inngest", client.Serve())
	http.HandleFunc("/bodies", func(w http.ResponseWriter, _ *http.Request) {
		mutex.Lock()
		defer mutex.Unlock()
		_ = json.NewEncoder(w).Encode(bodies)
	})
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // it ends with the tests
		os.Exit(0)
	}()
	panic(http.Serve(listener, nil))
}
