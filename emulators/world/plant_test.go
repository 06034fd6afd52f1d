package world

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// caught runs to the end and reports what a checker has said.
func caught(t *testing.T, w *World, i invariant) string {
	t.Helper()
	_, err := w.Finish()
	if err == nil {
		t.Errorf("a run with a planted violation ends clean")
	}
	text := w.checks.broken[i]
	if text == "" {
		t.Fatalf("%s did not notice; the run says %v", invariantNames[i], err)
	}
	t.Logf("%s caught: %s", invariantNames[i], text)
	return text
}

const zhang = "张三的卡"

// TestEachCheckerCatchesItsViolation plants one violation for each checker.
func TestEachCheckerCatchesItsViolation(t *testing.T) {
	for _, c := range []struct {
		name  string
		inv   invariant
		plant func(t *testing.T, w *World)
	}{
		{"INV-01 卡内存回滚 (card image rolled back)", inv01, func(t *testing.T, w *World) {
			image := w.cards[zhang].nv.Image()
			fuel(t, w, zhang, 1, "20元")
			if err := w.cards[zhang].nv.SetImage(image); err != nil {
				t.Fatal(err)
			}
			if _, err := w.CardAtDesk(zhang); err != nil {
				t.Log(err)
			}
		}},
		{"INV-02 同一笔扣两次 (grey image restored and debited again)", inv02, twice},
		{"INV-03 扣款多一元 (box between board and chips)", inv03, func(t *testing.T, w *World) {
			w.plant.apdu = dearer
			fuel(t, w, zhang, 1, "20元")
		}},
		{"INV-04 加油后灰标记被抹掉 (lock undone)", inv04, free},
		{"INV-05 未加油扣款 (charged without fuel)", inv05, func(t *testing.T, w *World) {
			w.plant.apdu = dearer
			visit(t, w, zhang, 1, func() {})
		}},
		{"INV-06 记录被吞掉 (record swallowed on the line)", inv06, swallow},
		{"INV-08 泵码倒退 (meter memory set back)", inv08, func(t *testing.T, w *World) {
			old := w.pumps[1].nv.Clone()
			fuel(t, w, zhang, 1, "20元")
			if err := w.Settle(time.Minute); err != nil {
				t.Fatal(err)
			}
			w.pumps[1].powerOff()
			w.pumps[1].nv = old
			w.pumps[1].powerOn()
		}},
		{"INV-09 中心不验TAC (TAC check off)", inv09, forge},
		{"INV-14 无人下达的油价 (price nobody ordered)", inv14, func(t *testing.T, w *World) {
			w.plant.toPump = cheaper
			if err := w.SetPrices("0001", w.now, map[string]unit.Price{"1031": 801}); err != nil {
				t.Fatal(err)
			}
			if err := w.Until("新价", func() bool { return w.pumps[1].view().Price == 800 }, 5*time.Minute); err != nil {
				t.Fatal(err)
			}
			fuel(t, w, zhang, 1, "20元")
		}},
		{"INV-15 名单答复在线上被改 (list answer rewritten on the line)", inv15, whitewash},
		{"INV-16 日志改一位 (one bit of a journal)", inv16, func(t *testing.T, w *World) {
			fuel(t, w, zhang, 1, "20元")
			if err := w.Settle(time.Minute); err != nil {
				t.Fatal(err)
			}
			w.stations["0001"].disk.Flip("journal", 8*400+3)
		}},
		{"INV-18 圈提未扣卡就入账 (account paid without the card's debit)", inv18, unpaid},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := town(t, Options{})
			c.plant(t, w)
			caught(t, w, c.inv)
		})
	}
}

// unpaid: the card leaves before it is debited, and the center takes a false proof of it.
func unpaid(t *testing.T, w *World) {
	w.plant.unpaid = true
	before := w.look(w.cards[zhang])
	if err := w.Faults().TearDesk(11, false); err != nil {
		t.Fatal(err)
	}
	if err := w.Unload(zhang, 20000); err == nil {
		t.Fatal("the unload was not torn")
	}
	end := record.UnloadEndQuestion{Outlet: outletID, ASN: before.ASN, OnlineSN: before.OnlineSN, Debited: true}
	if status, body, err := w.Command(record.Center, record.PathAskUnldEnd, end); err != nil || status != 200 {
		t.Fatalf("%d %s %v", status, body, err)
	}
}

// dearer adds one yuan to what PSAM and card are told, as a box between board and chips would.
func dearer(slot string, command []byte) []byte {
	at := -1
	switch {
	case slot == "psam" && len(command) >= 20 && command[0] == 0xE0 && command[1] == 0x44:
		at = 5 + 1 + 8 + 2 // type, ASN, CTC, then the amount
	case slot == "card" && len(command) >= 32 && command[0] == 0xE0 && command[1] == 0x7E && command[2] == 0x08:
		at = 5
	}
	if at < 0 {
		return command
	}
	command = bytes.Clone(command)
	binary.BigEndian.PutUint32(command[at:], binary.BigEndian.Uint32(command[at:])+100)
	return command
}

// visit is a customer who lifts, does something, hangs and leaves.
func visit(t *testing.T, w *World, card string, nozzle int, do func()) {
	t.Helper()
	h, n := w.Hands(), w.pumps[1].nozzle
	for _, err := range []error{
		h.Insert(card, n),
		w.Until("要密码", func() bool { return w.pumps[n].view().Prompt.Zh == "请输入密码, 按确认" }, 20*time.Second),
		h.Keys(n, "123456确"),
		w.Until("可加油", func() bool { return w.pumps[n].view().Stage == "ready" }, 20*time.Second),
		h.Lift(n),
		w.Until("开阀", func() bool { return w.pumps[n].view().State == "加油中" }, 20*time.Second),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	do()
	if err := h.Hang(n); err != nil {
		t.Fatal(err)
	}
	w.Pass(20 * time.Second)
	if w.pumps[n].in != nil {
		if err := h.Pull(n); err != nil {
			t.Fatal(err)
		}
	}
}

// twice keeps the card's memory while it is grey and puts it back after the debit.
func twice(t *testing.T, w *World) {
	var grey, debit []byte
	p := w.cards[zhang]
	w.plant.apdu = func(slot string, command []byte) []byte {
		if slot == "card" && len(command) > 3 && command[1] == 0x7E && command[2] == 0x08 {
			grey, debit = p.nv.Image(), bytes.Clone(command)
		}
		return command
	}
	fuel(t, w, zhang, 1, "20元")
	w.plant.apdu = nil
	if err := p.nv.SetImage(grey); err != nil {
		t.Fatal(err)
	}
	if _, err := p.card.Reset(); err != nil {
		t.Fatal(err)
	}
	name := fuelcard.SelectName{Name: w.profile.AIDPetrol}
	for _, command := range [][]byte{name.Command().Bytes(), debit} {
		if _, _, _, err := w.transmit(p, "thief", command); err != nil {
			t.Fatal(err)
		}
	}
}

// free puts the memory of before the lock back while the fuel flows.
func free(t *testing.T, w *World) {
	p := w.cards[zhang]
	var before []byte
	w.plant.apdu = func(slot string, command []byte) []byte {
		if slot == "card" && len(command) > 2 && command[1] == 0x7C {
			before = p.nv.Image()
		}
		return command
	}
	visit(t, w, zhang, 1, func() {
		if err := w.Hands().Squeeze(1, 1000); err != nil {
			t.Fatal(err)
		}
		w.Pass(10 * time.Second)
		if err := w.Hands().Pull(1); err != nil {
			t.Fatal(err)
		}
		w.Pass(5 * time.Second)
		if err := p.nv.SetImage(before); err != nil {
			t.Fatal(err)
		}
	})
}

// swallow takes a record off the line and acknowledges it in the station's name.
func swallow(t *testing.T, w *World) {
	p := w.pumps[1]
	if err := w.Settle(time.Minute); err != nil {
		t.Fatal(err)
	}
	p.mangle = func(data []byte) []byte {
		f, ok := upload(data)
		if !ok {
			return data
		}
		ack, err := fa.Build(f.Src, fa.PCAddress, fa.FromPC|f.Number(), &fa.UploadAck{})
		if err != nil {
			t.Fatal(err)
		}
		w.at(w.now.Add(50*time.Millisecond), func() { p.receive(fa.Encode(ack)) })
		return nil
	}
	fuel(t, w, zhang, 1, "20元")
}

// forge lets the center's keys agree with a record whose amount was changed on the line.
func forge(t *testing.T, w *World) {
	p := w.pumps[1]
	p.mangle = func(data []byte) []byte {
		f, ok := upload(data)
		if !ok {
			return data
		}
		f.Data = bytes.Clone(f.Data)
		r, err := fa.ParseRecord(f.Data[1:])
		if err != nil || r.Type.Kind() != fa.Fuelling {
			return data
		}
		r.Volume++
		r.Amount, r.Total = r.Amount+unit.Fen(r.Price/100), r.Total+1
		w.plant.forged = &r
		raw := r.Bytes()
		copy(f.Data[1:], raw[:])
		return fa.Encode(f)
	}
	fuel(t, w, zhang, 1, "20元")
}

// cheaper rewrites one price in what a board downloads.
func cheaper(_ *pump, data []byte) []byte {
	var d fa.Decoder
	var frame fa.Frame
	d.Decode(data, func(f fa.Frame) { frame = f })
	if len(frame.Data) == 0 || frame.Word() != fa.WordSegments {
		return data
	}
	frame.Data = bytes.ReplaceAll(frame.Data, []byte{0x03, 0x21}, []byte{0x03, 0x20})
	return fa.Encode(frame)
}

// TestDeterminism is INV-20: one seed is one run, and another seed or one damaged byte is another.
func TestDeterminism(t *testing.T) {
	run := func(seed int64, noise bool) Report {
		w := town(t, Options{Seed: seed})
		if noise {
			if err := w.Faults().Inject("line 1: noise 2%"); err != nil {
				t.Fatal(err)
			}
			w.Pass(5 * time.Second)
			if err := w.Faults().Mend("line 1: noise"); err != nil {
				t.Fatal(err)
			}
			if w.Faults().Damaged(1) == 0 {
				t.Fatal("nothing was damaged")
			}
		}
		fuel(t, w, zhang, 1, "20元")
		r, err := w.Finish()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	first, again := run(7, false), run(7, false)
	if err := Same(first, again); err != nil {
		t.Error(err)
	}
	for name, other := range map[string]Report{"another seed": run(8, false), "damaged bytes": run(7, true)} {
		if err := Same(first, other); err == nil || !strings.Contains(err.Error(), "INV-20") {
			t.Errorf("%s is the same run: %v", name, err)
		}
	}
}
