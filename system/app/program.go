package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"greylock/system/clock"
	"greylock/system/exchange/cert"
	"greylock/system/journal"
	"greylock/system/link"
	"greylock/system/link/serial"
	"greylock/system/station"
	"greylock/system/vault"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/lf"
	"greylock/system/wire/record"
)

// Program is one site's program over real doors: a journal on the disk, serial ports, HTTP. Run works until it is told to
// stop, Close gives everything back. Main and the tests start the same Program.
type Program struct {
	name    string
	runner  *Runner
	journal *journal.Journal
	doors   []door
	ports   []Port
	locks   string
	beside  []func(ctx context.Context) // what runs beside the loop until it ends
	log     *slog.Logger
}

// door is one HTTP listener and what it may be asked.
type door struct {
	name     string
	listener net.Listener
	secure   *tls.Config // nil: without TLS
	handler  http.Handler
}

// Identity says who a site is.
type Identity struct {
	ID    record.SiteID `json:"id"`
	Name  string        `json:"name"`
	Realm record.Realm  `json:"realm"`
}

// ErrSetting wraps a setting that keeps a program from starting: a wrong vault, a directory of another site.
var ErrSetting = errors.New("设置有误 (setting)")

// ErrListen wraps an address that can not be listened on.
var ErrListen = errors.New("监听失败: 地址被占用或不在本机 (can not listen: address in use or not of this machine)")

// openProgram opens the journal and replays it into the core that fresh makes.
func openProgram(id Identity, kind record.Kind, data journal.Dir, peers map[string]string, log *slog.Logger, reserve int64,
	fresh func(j *journal.Journal) (link.Core, error)) (*Program, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	j, recovery, err := journal.Open(data, journal.Options{Reserve: reserve})
	if err != nil {
		return nil, fmt.Errorf("日志 %v (journal): %w", data, err)
	}
	if c := recovery.Cut; c != nil {
		log.Warn("日志尾部未写完的记录已切除 (torn tail cut off)", "seq", c.Seq, "bytes", c.Bytes, "reason", c.Reason)
	}
	core, err := fresh(j)
	if err != nil {
		return nil, errors.Join(err, j.Close())
	}
	first := record.SiteOpened{TimeMs: clock.System{}.Now().Milli(), Site: id.ID, Kind: kind, Name: id.Name, Realm: id.Realm}
	r, err := NewRunner(core, j, first, clock.System{}, peers)
	if err != nil {
		return nil, errors.Join(err, j.Close())
	}
	r.trouble = func(peer, text string) {
		if text == "" {
			log.Info("对端恢复应答 (the peer answers again)", "peer", peer)
			return
		}
		log.Warn("对端无法应答 (no answer of the peer)", "peer", peer, "error", text)
	}
	return &Program{name: string(kind) + " " + string(id.ID), runner: r, journal: j, log: log}, nil
}

// serve opens a door for the paths with these prefixes.
func (p *Program) serve(name, address string, prefixes ...string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("%s %s: %w: %w", name, address, ErrListen, err)
	}
	h := p.runner.Handler(prefixes...)
	if name == DoorOperator {
		h = p.runner.watched(h)
	}
	p.doors = append(p.doors, door{name, l, nil, h})
	return nil
}

// secure puts the newest door behind TLS, where only sites with a certificate of the company come in, each for itself.
func (p *Program) secure(files cert.Files, prefixes ...string) (err error) {
	d := &p.doors[len(p.doors)-1]
	if d.secure, err = files.Server(clock.System{}); err != nil {
		return fmt.Errorf("%w: %w", ErrSetting, err)
	}
	d.handler = p.runner.handler(files.Caller, prefixes)
	return p.ends(files)
}

// ends notes when the certificate is over, and says so when that is soon.
func (p *Program) ends(files cert.Files) (err error) {
	if p.runner.certificate, err = files.Ends(); err != nil {
		return fmt.Errorf("%w: %w", ErrSetting, err)
	}
	if p.runner.certificate.Sub(p.runner.clock.Now()) < cert.Soon {
		p.log.Warn("证书将到期, 请以 greylock center certificate --renew 另签 (the certificate ends soon: renew it)", "ends", p.runner.certificate.String())
	}
	return nil
}

// calls sets how the program calls the center.
func (p *Program) calls(files cert.Files) error {
	if !files.Used() {
		return nil
	}
	c, err := files.Client(clock.System{})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSetting, err)
	}
	p.runner.Secure(c)
	return p.ends(files)
}

// Address is where a door listens, "" if there is no such door.
func (p *Program) Address(name string) string {
	for _, d := range p.doors {
		if d.name == name {
			return d.listener.Addr().String()
		}
	}
	return ""
}

// Run works until ctx ends or the site fails. When ctx ends it carries out what is queued, flushes the journal and returns
// nil; a failure of the site or of a door is returned.
func (p *Program) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	failed := make([]error, len(p.doors))
	var served sync.WaitGroup
	for i, d := range p.doors {
		p.log.Info("已监听 (listening)", "door", d.name, "address", d.listener.Addr().String(), "tls", d.secure != nil)
		served.Go(func() {
			if failed[i] = serve(ctx, d.listener, d.secure, d.handler, usual()); failed[i] != nil {
				stop() // a program without its door is of no use: the service manager starts it anew
			}
		})
	}
	var beside sync.WaitGroup
	for _, run := range p.beside {
		beside.Go(func() { run(ctx) })
	}
	defer beside.Wait()
	lines, err := p.openPorts()
	if err == nil {
		p.log.Info("已启动 (started)", "site", p.name)
		err = p.runner.Run(ctx)
	} else {
		p.runner.stop()
	}
	stop()
	for _, l := range lines {
		err = errors.Join(err, l.Close())
	}
	served.Wait()
	return errors.Join(append(failed, err)...)
}

// openPorts starts the serial lines; a port that is not there yet is opened as soon as it comes.
func (p *Program) openPorts() (lines []io.Closer, err error) {
	for _, port := range p.ports {
		n, path := port.Number, port.Path
		l, err := serial.Open(serial.Config{Path: path, Baud: port.Baud, Parity: serial.Parity(port.Parity), LockDir: p.locks}, serial.Handler{
			Data:    func(data []byte) { p.runner.Received(n, data) },
			Missing: missing(port.Protocol),
			Up: func(up bool) {
				p.log.Info("串口 (serial port)", "port", n, "path", path, "open", up)
				p.runner.LineIs(n, up)
			},
			Trouble: func(e *serial.Error) {
				p.log.Warn(e.Chinese(), "port", n, "path", path, "code", e.Code, "en", e.Error())
			},
		})
		if err != nil {
			return lines, fmt.Errorf("串口 %d (port): %w", n, err)
		}
		lines = append(lines, l)
		p.runner.Attach(n, lineWriter{l})
	}
	return lines, nil
}

// missing follows the frames of a line, so that it is read when a frame is whole rather than at each of its bytes.
func missing(protocol station.Protocol) func(data []byte) int {
	switch protocol {
	case station.FA:
		var d fa.Decoder
		return func(data []byte) int {
			d.Decode(data, func(fa.Frame) {})
			return d.Missing()
		}
	case station.LF:
		var d lf.Decoder
		return func(data []byte) int {
			d.Decode(clock.System{}.Now(), data, func(lf.Frame) bool { return true })
			return d.Missing()
		}
	default:
		return nil
	}
}

// lineWriter drops what a line can not take: the board's protocol repeats it.
type lineWriter struct{ l *serial.Line }

func (w lineWriter) Write(data []byte) { _ = w.l.Write(data) }

// Close gives journal and doors back, after Run or instead of it.
func (p *Program) Close() error {
	p.runner.stop()
	for _, d := range p.doors {
		_ = d.listener.Close() // Run has closed it already
	}
	return p.journal.Close()
}

// OpenVault opens a site's sealed working vault with its secret file, and refuses one that was made for another site or for the
// cards of another profile. Errors wrap ErrSetting or those of vault.
func OpenVault(file, secret string, role record.Kind, id Identity, cards fuelcard.Profile) (*vault.Vault, error) {
	v, err := vault.ReadFiles(file, secret)
	var lost *fs.PathError
	switch {
	case errors.As(err, &lost), errors.Is(err, vault.ErrMode):
		return nil, fmt.Errorf("%w: %w", ErrSetting, err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if v.Role() != role || v.Site() != id.ID || v.Realm() != id.Realm {
		return nil, fmt.Errorf("%w: %s 属于 %s %s (%s), 不是 %s %s (%s) (this vault is another site's)", ErrSetting, file, v.Role(), v.Site(), v.Realm(), role, id.ID, id.Realm)
	}
	if err := v.MadeFor(cards); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrSetting, file, err)
	}
	return v, nil
}
