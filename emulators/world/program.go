package world

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"greylock/system/journal"
	"greylock/system/wire/record"
)

// program is a station's program in a process of its own, over pseudo-terminals and HTTP on loopback.
type program struct {
	w        *World
	id       record.SiteID
	config   string // file
	data     string // directory of the journal
	operator string // base URL of its operator door
	process  Process
	cut      bool // separated from the center
	twice    bool // the next batch reaches the center twice
}

const (
	operatorLimit = 5 * time.Second
	startLimit    = 20 * time.Second
)

// ptyDir is where the pseudo-terminals' stable names and the programs' data live.
func (w *World) ptyDir() string { return w.opt.Dir }

// startPrograms opens the center's door and starts every station's program.
func (w *World) startPrograms() error {
	if w.opt.Program == nil {
		return errors.New("没有启动站级程序的办法 (pty needs a way to start the station's program)")
	}
	door, err := w.openDoor()
	if err != nil {
		return err
	}
	for _, s := range w.scenario.Stations {
		p := &program{w: w, id: record.SiteID(s.ID)}
		if err := p.configure(s, door); err != nil {
			return err
		}
		w.external[p.id] = p
		if err := p.start(); err != nil {
			return err
		}
	}
	return nil
}

// openDoor serves the center's exchange on loopback: each request is posted into the loop and waits for its reply.
func (w *World) openDoor() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("world: center's door: %w", err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(w.door), ReadHeaderTimeout: operatorLimit}
	go func() { _ = srv.Serve(l) }() // ends with Close
	w.closers = append(w.closers, srv.Close)
	return "http://" + l.Addr().String(), nil
}

// door carries a station's request to the center. A cut is a connection that breaks.
func (w *World) door(rw http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(io.LimitReader(req.Body, 8<<20))
	if err != nil {
		return
	}
	type reply struct {
		status int
		body   []byte
	}
	answer := make(chan reply, 2)
	w.post(func() {
		p := w.external[siteOf(body)]
		if w.center.run == nil || p != nil && p.cut {
			w.happened("center unreachable")
			answer <- reply{}
			return
		}
		times := 1
		if p != nil && p.twice && req.URL.Path == record.PathBatch {
			p.twice, times = false, 2
			w.happened("batch repeated")
		}
		for range times {
			w.center.serve(req.URL.Path, bytes.Clone(body), func(status int, b []byte) {
				select {
				case answer <- reply{status, b}:
				default: // the answer to the repetition reaches nobody
				}
			})
		}
	})
	select {
	case r := <-answer:
		if r.status == 0 {
			panic(http.ErrAbortHandler) // the wire is cut: no answer at all
		}
		rw.WriteHeader(r.status)
		_, _ = rw.Write(r.body)
	case <-req.Context().Done():
	}
}

// siteOf reads who asks.
func siteOf(body []byte) record.SiteID {
	var q struct {
		Site record.SiteID `json:"site"`
	}
	_ = json.Unmarshal(body, &q) // a body without a site is nobody's
	return q.Site
}

// configure writes the program's configuration, as a station in production has it.
func (p *program) configure(s StationPlan, centerDoor string) error {
	dir := filepath.Join(p.w.ptyDir(), "station-"+s.ID)
	p.data, p.config = filepath.Join(dir, "journal"), filepath.Join(dir, "station.yaml")
	if err := os.MkdirAll(p.data, 0o700); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // a free port for the operator door
	if err != nil {
		return err
	}
	p.operator = "http://" + l.Addr().String()
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "site:\n  id: %q\n  name: %q\n  realm: training\ndata: %q\n", s.ID, s.Name, p.data)
	fmt.Fprintf(&b, "station:\n  center: %q\n  center_key: %q\n  operator: %q\n  locks: %q\n  ports:\n",
		centerDoor, hex.EncodeToString(p.w.centerVault.PublicKey()), address, dir)
	for i := range s.Nozzles {
		fmt.Fprintf(&b, "    - number: %d\n      path: %q\n      baud: 9600\n", i+1, filepath.Join(p.w.ptyDir(), fmt.Sprintf("port%02d", i+1)))
	}
	return os.WriteFile(p.config, []byte(b.String()), 0o600)
}

// start starts the process.
func (p *program) start() error {
	process, err := p.w.opt.Program(p.config)
	if err != nil {
		return fmt.Errorf("站级程序 %s (station program): %w", p.id, err)
	}
	p.process = process
	return nil
}

// kill is kill -9.
func (p *program) kill() error {
	if p.process == nil {
		return errors.New("程序未运行 (the program is not running)")
	}
	err := p.process.Kill()
	_ = p.process.Wait() // killed: its exit says nothing new
	p.process = nil
	return err
}

func (p *program) stop() error {
	if p.process == nil {
		return nil
	}
	return p.kill()
}

// command calls the program's operator door.
func (p *program) command(path string, body any) (int, []byte, error) {
	line, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	type result struct {
		status int
		body   []byte
		err    error
	}
	got := make(chan result, 1)
	ctx, cancel := context.WithTimeout(context.Background(), operatorLimit)
	defer cancel()
	go func() {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.operator+path, bytes.NewReader(line))
		if err != nil {
			got <- result{err: err}
			return
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			got <- result{err: err}
			return
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		got <- result{resp.StatusCode, b, err}
	}()
	var r result
	done := false
	err = p.w.Until("站级程序应答 "+path, func() bool {
		select {
		case r = <-got:
			done = true
		default:
		}
		return done
	}, operatorLimit+time.Second)
	if err == nil {
		err = r.err
	}
	return r.status, r.body, err
}

// head is the last record of the program's journal, read past the program; 0 while it can not be read.
func (p *program) head() uint64 {
	r, err := journal.Verify(journal.OS(p.data))
	if err != nil {
		return 0
	}
	return r.Records
}

func (p *program) audit() error { return audit(journal.OS(p.data)) }
