package panel

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"greylock/emulators/world"
	"greylock/system/wire/record"
)

// refusal is a sentence for the person who pressed, with the HTTP status that goes with it.
type refusal struct {
	status int
	said
}

func (r *refusal) Error() string { return r.Zh + " (" + r.En + ")" }

func refuse(status int, zh, en string) error { return &refusal{status, said{zh, en}} }

// What the page refuses by itself.
var (
	errBuilding = refuse(http.StatusServiceUnavailable, "正在建站, 请稍候", "the town is still being built, please wait")
	errPtySpeed = refuse(http.StatusConflict, "伪终端上只能按真实时间运行", "over pseudo-terminals only real time is possible")
	errNotUp    = refuse(http.StatusConflict, "油枪挂着, 请先提枪", "the nozzle is hung: lift it first")
	errIsUp     = refuse(http.StatusConflict, "油枪已提起", "the nozzle is up already")
	errPaused   = refuse(http.StatusConflict, "单步前请先暂停", "pause before stepping")
)

// maxKeys is as many keys as one post may press: more than any PIN or preset has.
const maxKeys = 16

// act is one thing that a person does at a nozzle.
type act struct {
	Do       string        `json:"-"`
	Nozzle   record.Nozzle `json:"nozzle"`
	Card     string        `json:"card"`
	Keys     string        `json:"keys"`
	Permille int           `json:"permille"`
}

// do carries out what a person wants; from then on no customers come by themselves.
func (p *panel) do(a act) error {
	if _, ok := p.at(a.Nozzle); !ok {
		return refuse(http.StatusNotFound, fmt.Sprintf("没有 %d 号枪", a.Nozzle), fmt.Sprintf("there is no nozzle %d", a.Nozzle))
	}
	if n := len([]rune(a.Keys)); a.Do == "keys" && (n == 0 || n > maxKeys) {
		return refuse(http.StatusBadRequest, fmt.Sprintf("一次可按 1 至 %d 个键", maxKeys), fmt.Sprintf("one to %d keys at a time", maxKeys))
	}
	p.customers.touch(a.Nozzle)
	h := p.w.Hands()
	switch a.Do {
	case "insert":
		return h.Insert(a.Card, a.Nozzle)
	case "pull":
		return h.Pull(a.Nozzle)
	case "keys":
		return h.Keys(a.Nozzle, a.Keys)
	case "lift":
		return p.lift(a.Nozzle)
	case "squeeze":
		return p.squeeze(a.Nozzle, a.Permille)
	case "hang":
		return p.hang(a.Nozzle)
	}
	return refuse(http.StatusNotFound, "没有这个动作: "+a.Do, "there is no such act: "+a.Do)
}

func (p *panel) at(n record.Nozzle) (world.PumpShown, bool) {
	for _, d := range p.w.Pumps() {
		if d.Nozzle == n {
			return d, true
		}
	}
	return world.PumpShown{}, false
}

func (p *panel) lift(n record.Nozzle) error {
	if d, _ := p.at(n); d.View.NozzleUp {
		return errIsUp
	}
	return p.w.Hands().Lift(n)
}

// squeeze remembers how far the gun is open: a dispenser does not know.
func (p *panel) squeeze(n record.Nozzle, permille int) error {
	if d, _ := p.at(n); permille > 0 && !d.View.NozzleUp {
		return errNotUp
	}
	if err := p.w.Hands().Squeeze(n, permille); err != nil {
		return err
	}
	p.squeezed[n] = permille
	return nil
}

// hang releases the gun and hangs it up.
func (p *panel) hang(n record.Nozzle) error {
	if d, _ := p.at(n); !d.View.NozzleUp {
		return errNotUp
	}
	if err := p.squeeze(n, 0); err != nil {
		return err
	}
	return p.w.Hands().Hang(n)
}

// time is what a person does with the clock.
func (p *panel) time(do, speed string) error {
	if p.opt.Lines == "pty" {
		return errPtySpeed
	}
	switch do {
	case "pause":
		p.pace.pause(p.w.Now(), true)
	case "run":
		p.pace.pause(p.w.Now(), false)
	case "step":
		if !p.pace.paused {
			return errPaused
		}
		p.step()
	case "speed":
		thousandths, err := parseSpeed(speed)
		if err != nil || speed == "" {
			return refuse(http.StatusBadRequest, "没有这个速度, 可用 0.1、1、10、60、max", "no such speed: 0.1, 1, 10, 60, max")
		}
		p.pace.set(p.w.Now(), thousandths)
	default:
		return refuse(http.StatusNotFound, "没有这个动作: "+do, "there is no such act: "+do)
	}
	return nil
}

// sentence turns an error into status and words. The town's own errors read "中文 (English)".
func sentence(err error) (int, said) {
	var r *refusal
	if errors.As(err, &r) {
		return r.status, r.said
	}
	text := err.Error()
	if zh, en, ok := strings.Cut(text, " ("); ok && strings.HasSuffix(en, ")") {
		return http.StatusConflict, said{zh, strings.TrimSuffix(en, ")")}
	}
	return http.StatusConflict, said{text, text}
}
