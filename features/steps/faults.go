package steps

import (
	"fmt"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/unit"
)

// faultSteps are what goes wrong, and prices, which change at the worst moment.
func (s *Scene) faultSteps() []Step {
	return []Step{
		{`^"([^"]+)" 将在第 (\d+) 次扣款命令(之前|之后)断电$`, s.tearDebit},
		{`^"([^"]+)" 将在第 (\d+) 次灰锁命令(之前|之后)断电$`, s.tearLock},
		{`^卡的断电已经发生$`, s.tornOnce},
		{`^站级程序被杀死$`, s.kill},
		{`^站级程序重新启动$`, s.restart},
		{`^站级程序确实被杀死过 (\d+) 次$`, s.killed},
		{`^(\d+) 号枪的串口线断开$`, s.cutLine},
		{`^(\d+) 号枪的串口线接好$`, s.mendLine},
		{`^(\d+) 号枪的串口线上每千字节有 (\d+) 字节受损$`, s.noise},
		{`^(\d+) 号枪的线上至少有 (\d+) 处受损$`, s.damaged},
		{`^(\d+) 号枪的下一笔记录将上传两遍$`, s.repeatUpload},
		{`^加油站的下一批记录将发给中心两遍$`, s.repeatBatch},
		{`^(\d+) 号枪的下一笔记录将在途中被改一位$`, s.flip},
		{`^"([^"]+)" 已发生$`, s.happened},
		{`^加油站与中心断开$`, s.cutCenter},
		{`^加油站与中心恢复$`, s.mendCenter},
		{`^中心下令油品 "(\d{4})" 在 (\d+) 分钟后改为 ([\d.]+) 元$`, s.orderPrice},
		{`^到新油价前 (\d+) 秒$`, s.beforePrice},
		{`^新油价的时刻已过$`, s.priceTime},
	}
}

// debitForUnlock is the card's DEBIT FOR UNLOCK. Source: card.md 6.4.
const debitForUnlock = 0x7E

// faultNames are how the world counts what people call a fault.
var faultNames = map[string]string{
	"断线": "line off", "记录重复上传": "upload repeated", "批次重复发送": "batch repeated", "记录被改": "upload flipped", "断开中心": "center off", "中心不可达": "center unreachable",
	"上一笔被加进": "previous sale added", "上一笔重报": "sale replayed", "接线对调": "cables swapped",
	"记录被扣": "record held", "泵码多走": "totalizer ahead",
	"油价被吞": "prices swallowed", "油价被改": "prices forged",
	"应答前被杀": "killed before ack", "少报泵码": "totalizer lowered",
}

// priceOrder is the price change that a scene has ordered.
type priceOrder struct {
	effective clock.Instant
	proposal  uint64
	refused   string // the center's last refusal
}

func (s *Scene) tearDebit(card string, n int, when string) error {
	return s.Town.Faults().TearCard(card, debitForUnlock, n, when == "之后")
}

// greyLock is the card's GREY LOCK. Source: card.md 6.4.
const greyLock = 0x7C

func (s *Scene) tearLock(card string, n int, when string) error {
	return s.Town.Faults().TearCard(card, greyLock, n, when == "之后")
}

func (s *Scene) tornOnce() error {
	if s.torn() == 0 {
		return fmt.Errorf("卡没有断电 (the cut did not happen)")
	}
	return nil
}

func (s *Scene) kill() error { return s.Town.Kill(station) }

func (s *Scene) restart() error { return s.Town.Restart(station) }

func (s *Scene) killed(n int) error { return want("被杀死", s.Town.Faults().Happened("kill"), n) }

// hurt brings about what a text of the vocabulary says, heal ends it.
func (s *Scene) hurt(format string, args ...any) error {
	return s.Town.Faults().Inject(fmt.Sprintf(format, args...))
}

func (s *Scene) heal(format string, args ...any) error {
	return s.Town.Faults().Mend(fmt.Sprintf(format, args...))
}

func (s *Scene) cutLine(n int) error { return s.hurt("line %d: off", n) }

func (s *Scene) mendLine(n int) error { return s.heal("line %d: off", n) }

func (s *Scene) noise(n, permille int) error {
	if permille == 0 {
		return s.heal("line %d: noise", n)
	}
	return s.hurt("line %d: noise %d.%d%%", n, permille/10, permille%10)
}

func (s *Scene) damaged(n, least int) error {
	if d := s.Town.Faults().Damaged(nozzle(n)); d < least {
		return fmt.Errorf("只有 %d 处受损 (damaged): 故障没有发生", d)
	}
	return nil
}

func (s *Scene) repeatUpload(n int) error { return s.hurt("dispenser %d: duplicate", n) }

func (s *Scene) repeatBatch() error { return s.hurt("center %s: duplicate", station) }

func (s *Scene) flip(n int) error { return s.hurt("line %d: wrong", n) }

func (s *Scene) happened(fault string) error {
	name, known := faultNames[fault]
	if !known {
		return fmt.Errorf("没有这种故障 (no such fault): %s", fault)
	}
	if s.Town.Faults().Happened(name) == 0 {
		return fmt.Errorf("%s 没有发生 (it did not happen)", fault)
	}
	return nil
}

func (s *Scene) cutCenter() error { return s.hurt("center %s: off", station) }

func (s *Scene) mendCenter() error { return s.heal("center %s: off", station) }

// orderPrice orders a price for a whole minute: prices change on the minute.
func (s *Scene) orderPrice(product string, minutes int, price string) error {
	p, err := unit.ParsePrice(price)
	if err != nil {
		return err
	}
	c := s.Town.Now().Add(time.Duration(minutes) * time.Minute).Civil()
	c.Second = 0
	s.prices.effective = c.Instant()
	return s.Town.Operator().SetPrices(station, s.prices.effective, map[string]unit.Price{product: p})
}

// beforePrice waits until so many seconds before the new price: the order has arrived by then, and the sale that is to span the
// minute is short enough for a board that ends a sale in which nothing flows.
func (s *Scene) beforePrice(seconds int) error {
	if s.prices.effective == 0 {
		return fmt.Errorf("没有下令改价 (no price was ordered)")
	}
	s.Town.Pass(max(0, s.prices.effective.Sub(s.Town.Now())-time.Duration(seconds)*time.Second))
	return nil
}

func (s *Scene) priceTime() error {
	if s.prices.effective == 0 {
		return fmt.Errorf("没有下令改价 (no price was ordered)")
	}
	s.Town.Pass(max(0, s.prices.effective.Sub(s.Town.Now())) + 2*time.Second)
	return nil
}
