package world

import (
	"bytes"
	"cmp"
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

	"greylock/system/app"
	"greylock/system/journal"
	"greylock/system/station"
	"greylock/system/wire/record"
)

// program is a station's program in a process of its own, over pseudo-terminals and HTTP on loopback.
type program struct {
	w        *World
	id       record.SiteID
	config   string // file, JSON; the same as YAML lies beside it
	data     string // directory of the journal
	operator string // base URL of its operator door
	process  Process
	right    []byte // the configuration, kept while it is spoilt
	cut      bool   // separated from the center
	way
}

const (
	operatorLimit = 5 * time.Second
	startLimit    = 20 * time.Second
	startLook     = 20 * time.Millisecond
)

// portLink is the stable name of a port: of the station alone where a town has one.
func (w *World) portLink(station string, port int) string {
	name := fmt.Sprintf("port%02d", port)
	if len(w.scenario.Stations) > 1 {
		name = station + "-" + name
	}
	return filepath.Join(w.ptyDir(), name)
}

// ptyDir is where the pseudo-terminals' stable names and the programs' data live: a temporary directory if none was asked for.
func (w *World) ptyDir() string {
	if w.opt.Dir == "" {
		if dir, err := os.MkdirTemp("", "greylab-"); err == nil { // whoever writes into "" says what is wrong
			w.opt.Dir = dir
			w.closers = append(w.closers, func() error {
				w.opt.Dir = ""
				return os.RemoveAll(dir)
			})
		}
	}
	return w.opt.Dir
}

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
	send := func(status int, b []byte) {
		select {
		case answer <- reply{status, b}:
		default: // the answer to the repetition reaches nobody
		}
	}
	w.post(func() {
		p := w.external[siteOf(body)]
		if p == nil {
			w.toDoor(nil, req.URL.Path, body, send)
			return
		}
		w.at(w.now.Add(p.hop), func() { w.toDoor(p, req.URL.Path, body, send) })
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

// toDoor is the center's end of a request; a status of 0 is a connection that breaks.
func (w *World) toDoor(p *program, path string, body []byte, send func(status int, body []byte)) {
	if w.center.run == nil || p != nil && p.cut {
		w.happened("center unreachable")
		send(0, nil)
		return
	}
	if p != nil && w.lost(p.id, &p.way) {
		send(0, nil)
		return
	}
	times := 1
	if p != nil && p.twice > 0 && path == record.PathBatch {
		p.twice, times = p.twice-1, 2
		w.happened("batch repeated")
	}
	for range times {
		w.center.serve(path, bytes.Clone(body), func(status int, b []byte) {
			if p == nil {
				send(status, b)
				return
			}
			b = w.altered(p.id, path, w.forged(p.id, path, b))
			w.at(w.now.Add(p.hop), func() { send(status, b) })
		})
	}
}

// siteOf reads who asks.
func siteOf(body []byte) record.SiteID {
	var q struct {
		Site   record.SiteID `json:"site"`
		Outlet record.SiteID `json:"outlet"` // in questions about cards
	}
	_ = json.Unmarshal(body, &q) // a body without a site is nobody's
	return cmp.Or(q.Site, q.Outlet)
}

// configure writes the program's configuration: as a station in production has it, and as its own process here reads it.
func (p *program) configure(s StationPlan, centerDoor string) error {
	dir := filepath.Join(p.w.ptyDir(), "station-"+s.ID)
	p.data, p.config = filepath.Join(dir, "journal"), filepath.Join(dir, "station.json")
	if err := os.MkdirAll(p.data, 0o700); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // a free port for the operator door
	if err != nil {
		return err
	}
	address := l.Addr().String()
	p.operator = "http://" + address
	if err := l.Close(); err != nil {
		return err
	}
	cfg := app.StationConfig{
		Site: app.Identity{ID: record.SiteID(s.ID), Name: s.Name, Realm: record.Training}, Data: p.data, Center: centerDoor,
		CenterKey: record.Hex(p.w.centerVault.PublicKey()), Operator: address, Locks: dir, Reserve: p.w.opt.Reserve,
	}
	cfg.Lists, cfg.Products = s.lists(), p.w.productCodes()
	for _, t := range p.w.tillList {
		if t.site == cfg.Site.ID && t.real != nil {
			cfg.Tills = append(cfg.Tills, app.Till{Number: t.number, Reader: t.real.names[0], PSAM: t.real.names[1]})
		}
	}
	for i := range len(s.Nozzles) + len(s.Plain) {
		cfg.Ports = append(cfg.Ports, app.Port{Number: i + 1, Path: p.w.portLink(s.ID, i+1), Baud: 9600, Protocol: s.protocol(i)})
	}
	if k := s.contactor(); k != nil {
		cfg.Contactor = &app.Contactor{Path: filepath.Join(p.w.ptyDir(), fmt.Sprintf("port%02d", station.ContactorLine)), Contactor: *k}
	}
	if u := s.ups(); u != nil {
		cfg.UPS = &app.UPS{Path: p.w.portLink(s.ID, station.UPSLine), UPSPolicy: *u}
	}
	if len(s.Tanks) > 0 {
		cfg.Gauge = &app.Port{Path: p.w.portLink(s.ID, station.GaugeLine), Baud: 9600}
	}
	text, err := json.MarshalIndent(cfg, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(p.config, text, 0o600), os.WriteFile(filepath.Join(dir, "station.yaml"), stationYAML(cfg), 0o600))
}

// stationYAML is the configuration as `greylock station --config` reads it.
func stationYAML(c app.StationConfig) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "site:\n  id: %q\n  name: %q\n  realm: %s\ndata: %q\n", c.Site.ID, c.Site.Name, c.Site.Realm, c.Data)
	fmt.Fprintf(&b, "station:\n  center: %q\n  center_key: %q\n  operator: %q\n  locks: %q\n  lists: {refuse: %q}\n  ports:\n",
		c.Center, hex.EncodeToString(c.CenterKey), c.Operator, c.Locks, c.Lists.Refuse)
	for _, p := range c.Ports {
		fmt.Fprintf(&b, "    - number: %d\n      path: %q\n      baud: %d\n      protocol: %s\n", p.Number, p.Path, p.Baud, p.Protocol)
	}
	if len(c.Tills) > 0 {
		fmt.Fprintln(&b, "  tills:")
		for _, t := range c.Tills {
			fmt.Fprintf(&b, "    - {number: %d, reader: %q, psam: %q}\n", t.Number, t.Reader, t.PSAM)
		}
	}
	if k := c.Contactor; k != nil {
		fmt.Fprintf(&b, "  contactor:\n    path: %q\n    address: %d\n    coils: \"", k.Path, k.Address)
		for _, x := range k.Coils {
			fmt.Fprintf(&b, "%d=%d ", x.Port, x.Coil)
		}
		fmt.Fprintln(&b, "\"")
	}
	return b.Bytes()
}

// start starts the process and waits until its operator door answers.
func (p *program) start() error {
	process, err := p.w.opt.Program(p.config)
	if err != nil {
		return fmt.Errorf("站级程序 %s (station program): %w", p.id, err)
	}
	p.process = process
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	look := time.NewTicker(startLook)
	defer look.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.operator+station.PathStatus, strings.NewReader("{}"))
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			return resp.Body.Close()
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			_ = p.kill()
			return fmt.Errorf("站级程序 %s 在 %v 内未就绪 (station program not ready): %s", p.id, startLimit, process.Log())
		}
	}
}

// Log is the end of what a station's process has said; nothing in virtual time.
func (w *World) Log(id record.SiteID) string {
	if p := w.external[id]; p != nil && p.process != nil {
		return p.process.Log()
	}
	return ""
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

// begin calls the program's operator door.
func (p *program) begin(path string, body any) (Pending, error) {
	line, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	type result struct {
		status int
		body   []byte
		err    error
	}
	got := make(chan result, 1)
	go func() {
		defer p.w.post(func() {}) // wakes the loop
		ctx, cancel := context.WithTimeout(context.Background(), operatorLimit)
		defer cancel()
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
	return func() (int, []byte, error, bool) {
		if !done {
			select {
			case r = <-got:
				done = true
			default:
			}
		}
		return r.status, r.body, r.err, done
	}, nil
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
