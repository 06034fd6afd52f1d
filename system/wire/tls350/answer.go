package tls350

import (
	"bytes"
	"fmt"

	"greylock/system/clock"
	"greylock/system/wire/unit"
)

// Answer is what a console says: *Inventory, *Deliveries or *Status. The walk of each is the one declaration of its layout: it
// encodes, decodes and describes. Source: dispenser.md 7.3.
type Answer interface {
	Function() Function
	walk(*codec)
}

// head is how every answer begins: the tank that was asked for, and the console's minute.
func head(c *codec, f Function, tank *int, at *clock.Civil) {
	if c.put {
		c.text = fmt.Appendf(c.text, "i%03d", int(f))
	} else {
		c.take(4, "function")
	}
	number(c, 2, 10, "TT", "所问的罐, 00 为全部", "tank asked for, 00 all", tank)
	c.minute("YYMMDDHHmm", "液位仪时间", "console's time", at)
}

// Status bits of a Level. Source: manual 576013-635, function 201.
const (
	Delivering    uint16 = 1 // a delivery is in progress
	LeakTest      uint16 = 2 // a leak test is in progress
	InvalidHeight uint16 = 4 // the probe shows no valid height
)

// Level is one tank of an inventory. Source: dispenser.md 7.3.
type Level struct {
	Tank        int
	Product     byte // a character
	Status      uint16
	Volume      unit.Quantity // hundredths of a litre at the tank's temperature, without water
	Compensated unit.Quantity // the same fuel at the reference temperature
	Ullage      unit.Quantity // what still goes in
	Height      unit.Length   // of the fuel's surface
	Water       unit.Length   // of the water below it
	Temperature unit.Degrees
	WaterVolume unit.Quantity
}

// levelFloats: volume, compensated volume, ullage, height, water, temperature, water volume. Source: dispenser.md 7.3.
const levelFloats = 7

// Inventory answers 201. Source: dispenser.md 7.3.
type Inventory struct {
	Asked int
	At    clock.Civil
	Tanks []Level
}

// Function is 201. Source: dispenser.md 7.3.
func (*Inventory) Function() Function { return FuncInventory }

func (a *Inventory) walk(c *codec) {
	head(c, FuncInventory, &a.Asked, &a.At)
	list(c, MaxTanks, "tanks", &a.Tanks, func(l *Level) {
		number(c, 2, 10, "TT", "罐", "tank", &l.Tank)
		c.letter(&l.Product)
		number(c, 4, 16, "ssss", "状态位", "status bits", &l.Status)
		c.count(levelFloats)
		float(c, 100, "volume", "油量 (升)", "volume, litres", &l.Volume)
		float(c, 100, "tc-volume", "标准油量 (升)", "compensated volume, litres", &l.Compensated)
		float(c, 100, "ullage", "空容 (升)", "ullage, litres", &l.Ullage)
		float(c, 10, "height", "油高 (毫米)", "height, millimetres", &l.Height)
		float(c, 10, "water", "水高 (毫米)", "water, millimetres", &l.Water)
		float(c, 100, "temperature", "油温 (度)", "temperature, degrees", &l.Temperature)
		float(c, 100, "water-volume", "水量 (升)", "water, litres", &l.WaterVolume)
	})
}

// Delivery is one delivery as the console has measured it. Source: manual 576013-635, function 202.
type Delivery struct {
	Start, End   clock.Civil
	Before       Mark
	After        Mark
	HeightBefore unit.Length
	HeightAfter  unit.Length
}

// Mark is the fuel before or after a delivery. Source: manual 576013-635, function 202.
type Mark struct {
	Volume      unit.Quantity
	Compensated unit.Quantity
	Water       unit.Length
	Temperature unit.Degrees
}

// deliveryFloats: volume, compensated, water, temperature before and after, height before and after. Source: manual
// 576013-635, function 202.
const deliveryFloats = 10

// TankDeliveries are the deliveries of one tank. Source: manual 576013-635, function 202.
type TankDeliveries struct {
	Tank       int
	Product    byte
	Deliveries []Delivery
}

// Deliveries answers 202. Source: dispenser.md 7.3.
type Deliveries struct {
	Asked int
	At    clock.Civil
	Tanks []TankDeliveries
}

// Function is 202. Source: dispenser.md 7.3.
func (*Deliveries) Function() Function { return FuncDeliveries }

func (a *Deliveries) walk(c *codec) {
	head(c, FuncDeliveries, &a.Asked, &a.At)
	list(c, MaxTanks, "tanks", &a.Tanks, func(t *TankDeliveries) {
		number(c, 2, 10, "TT", "罐", "tank", &t.Tank)
		c.letter(&t.Product)
		counted(c, 10, MaxDeliveries, "deliveries", "进油次数", &t.Deliveries, func(d *Delivery) {
			c.minute("start", "开始", "start", &d.Start)
			c.minute("end", "结束", "end", &d.End)
			c.count(deliveryFloats)
			c.mark("before", "卸前", &d.Before)
			c.mark("after", "卸后", &d.After)
			float(c, 10, "height-before", "卸前油高 (毫米)", "height before, millimetres", &d.HeightBefore)
			float(c, 10, "height-after", "卸后油高 (毫米)", "height after, millimetres", &d.HeightAfter)
		})
	})
}

func (c *codec) mark(when, zh string, m *Mark) {
	float(c, 100, when, zh+"油量 (升)", "volume "+when+", litres", &m.Volume)
	float(c, 100, when+"-tc", zh+"标准油量 (升)", "compensated "+when+", litres", &m.Compensated)
	float(c, 10, when+"-water", zh+"水高 (毫米)", "water "+when+", millimetres", &m.Water)
	float(c, 100, when+"-temperature", zh+"油温 (度)", "temperature "+when+", degrees", &m.Temperature)
}

// Alarm is a kind of alarm of a tank. Source: manual 576013-635, function 205.
type Alarm byte

// The alarms of a tank. Source: manual 576013-635, function 205.
const (
	HighWater      Alarm = 0x03
	Overfill       Alarm = 0x04
	LowProduct     Alarm = 0x05
	SuddenLoss     Alarm = 0x06
	HighProduct    Alarm = 0x07
	InvalidLevel   Alarm = 0x08
	ProbeOut       Alarm = 0x09
	DeliveryNeeded Alarm = 0x11
)

// TankStatus are the alarms of one tank that are active. Source: dispenser.md 7.3.
type TankStatus struct {
	Tank   int
	Alarms []Alarm
}

// Status answers 205. Source: dispenser.md 7.3.
type Status struct {
	Asked int
	At    clock.Civil
	Tanks []TankStatus
}

// Function is 205. Source: dispenser.md 7.3.
func (*Status) Function() Function { return FuncStatus }

func (a *Status) walk(c *codec) {
	head(c, FuncStatus, &a.Asked, &a.At)
	list(c, MaxTanks, "tanks", &a.Tanks, func(t *TankStatus) {
		number(c, 2, 10, "TT", "罐", "tank", &t.Tank)
		counted(c, 16, MaxAlarms, "alarms", "告警数", &t.Alarms, func(x *Alarm) {
			number(c, 2, 16, "AA", "告警", "alarm", x)
		})
	})
}

// list is elements up to the end mark.
func list[E any](c *codec, most int, name string, p *[]E, one func(*E)) {
	if c.put {
		if len(*p) > most {
			c.fail("%d %s, at most %d: %w", len(*p), name, most, ErrRange)
		}
		for i := range *p {
			one(&(*p)[i])
		}
		return
	}
	for c.more() {
		if len(*p) == most {
			c.fail("more than %d %s: %w", most, name, ErrForm)
			return
		}
		var e E
		one(&e)
		*p = append(*p, e)
	}
}

// counted is a number of elements in two digits, then these.
func counted[E any](c *codec, base, most int, name, zh string, p *[]E, one func(*E)) {
	n := len(*p)
	number(c, 2, base, "nn", zh, "count of "+name, &n)
	if n > most {
		c.fail("%d %s, at most %d: %w", n, name, most, ErrRange)
		return
	}
	for i := 0; i < n && c.err == nil; i++ {
		if !c.put {
			var e E
			*p = append(*p, e)
		}
		one(&(*p)[i])
	}
}

// fresh is an empty answer of a function, nil if it has none.
func fresh(f Function) Answer {
	switch f {
	case FuncInventory:
		return &Inventory{}
	case FuncDeliveries:
		return &Deliveries{}
	case FuncStatus:
		return &Status{}
	}
	return nil
}

// Encode is an answer on the wire, from SOH to ETX. Source: dispenser.md 7.3.
func Encode(a Answer) ([]byte, error) {
	c := codec{put: true, text: []byte{SOH}}
	a.walk(&c)
	if c.err != nil {
		return nil, c.err
	}
	c.text = append(c.text, "&&"...)
	return append(fmt.Appendf(c.text, "%04X", Sum(c.text)), ETX), nil
}

// Parse reads an answer from SOH to ETX. ErrUnknown: the console does not know what it was asked. Source: dispenser.md 7.3.
func Parse(frame []byte) (Answer, error) {
	if string(frame) == unknown {
		return nil, ErrUnknown
	}
	body, err := open(frame)
	if err != nil {
		return nil, err
	}
	a := fresh(functionOf(body))
	if a == nil {
		return nil, fmt.Errorf("answer %.7q: %w", body, ErrForm)
	}
	c := codec{text: body, at: 1}
	a.walk(&c)
	return a, c.err
}

const trailer = len("&&CCCC") + 1

// open checks a frame's ends and checksum and returns it from SOH to the end mark.
func open(frame []byte) ([]byte, error) {
	n := len(frame)
	if n < 1+trailer || n > MaxFrame || frame[0] != SOH || frame[n-1] != ETX || !bytes.Equal(frame[n-trailer:n-trailer+2], []byte("&&")) {
		return nil, fmt.Errorf("answer of %d bytes: %w", n, ErrForm)
	}
	sum, ok := digits(string(frame[n-5:n-1]), 16)
	if !ok || uint16(sum) != Sum(frame[:n-5]) {
		return nil, ErrSum
	}
	return frame[:n-trailer], nil
}

// functionOf reads the function of an opened message, 0 if it has none.
func functionOf(body []byte) Function {
	if len(body) < 5 || body[1] != 'i' {
		return 0
	}
	v, ok := digits(string(body[2:5]), 10)
	if !ok {
		return 0
	}
	return Function(v)
}
