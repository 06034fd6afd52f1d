package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/system/app"
	"greylock/system/wire/record"
)

// operatorLimit is how long a command waits for the program's answer.
const operatorLimit = 20 * time.Second

// stranger says that the other end is no greylock program.
func stranger(addr, detail string) error {
	return &cli.Error{Exit: cli.Peer, Code: "E702", Zh: "对端不是 greylock 程序", En: "the peer is no greylock program",
		NextZh: "检查 --addr", NextEn: "check --addr", Detail: addr + ": " + detail}
}

// ask calls a running program's operator door.
func ask[A any](ctx context.Context, addr, path string, body any) (a A, err error) {
	line, err := json.Marshal(body)
	if err != nil {
		return a, err
	}
	ctx, cancel := context.WithTimeout(ctx, operatorLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+path, bytes.NewReader(line))
	if err != nil {
		return a, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, app.MaxBody))
	if err != nil {
		return a, err
	}
	if resp.StatusCode != http.StatusOK {
		var r record.Refusal
		if json.Unmarshal(text, &r) == nil && r.Code != "" {
			return a, r
		}
		return a, stranger(addr, resp.Status)
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return a, stranger(addr, err.Error())
	}
	return a, nil
}

// command is one command that asks a running program and shows its answer.
func command[A any](e *env, addr *string, use, short, path string, body func(args []string) (any, error), show func(w io.Writer, a A)) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(c *cobra.Command, args []string) error {
		q, err := body(args)
		if err != nil {
			return err
		}
		a, err := ask[A](c.Context(), *addr, path, q)
		if err != nil {
			return err
		}
		return e.Print(a, func(w io.Writer) { show(w, a) })
	}}
}

// nothing is the body of a question without parameters.
func nothing([]string) (any, error) { return struct{}{}, nil }
