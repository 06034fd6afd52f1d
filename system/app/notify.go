package app

import (
	"context"
	"net"
	"time"
)

// Service is how a program tells the service manager that has started it how it is: systemd's sd_notify protocol, datagrams to a
// socket. The zero value tells nobody.
type Service struct {
	Socket   string        // NOTIFY_SOCKET; "@name" is an abstract one
	Watchdog time.Duration // WATCHDOG_USEC: who is not heard for so long is killed and started again; 0: nobody watches
}

// notify sends one state. A manager that does not listen is no trouble of ours.
func (s Service) notify(state string) {
	if s.Socket == "" {
		return
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: s.Socket, Net: "unixgram"})
	if err != nil {
		return
	}
	_, _ = c.Write([]byte(state)) // as above
	_ = c.Close()
}

// Serve tells a service manager of the program while it runs; call it before Run.
func (p *Program) Serve(s Service) {
	if s.Socket == "" {
		return
	}
	p.beside = append(p.beside, func(ctx context.Context) { p.attend(ctx, s) })
}

// attend says when the program is ready, feeds the watchdog while loop and disk answer, and says when it ends. Source: features.md P4.
func (p *Program) attend(ctx context.Context, s Service) {
	defer s.notify("STOPPING=1")
	for p.runner.healthy(lookLimit) != nil {
		select {
		case <-ctx.Done():
			return
		case <-p.runner.quit:
			return
		default: // it is still opening its ports
		}
	}
	s.notify("READY=1\nSTATUS=" + p.name)
	if s.Watchdog <= 0 {
		<-ctx.Done()
		return
	}
	beat := time.NewTicker(s.Watchdog / 3)
	defer beat.Stop()
	for {
		if err := p.runner.healthy(s.Watchdog / 3); err == nil {
			s.notify("WATCHDOG=1")
		} else if ctx.Err() == nil {
			p.log.Warn("看门狗: 没有应答, 不再报到 (watchdog: not fed)", "error", err.Error())
		}
		select {
		case <-beat.C:
		case <-ctx.Done():
			return
		}
	}
}
