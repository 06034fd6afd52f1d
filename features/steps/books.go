package steps

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"greylock/emulators/world"
	stationprogram "greylock/system/station"
	"greylock/system/wire/unit"
)

// bookSteps are what center and station show.
func (s *Scene) bookSteps() []Step {
	return append(s.shiftSteps(), []Step{
		{`^中心账上有 (\d+) 笔交易$`, s.salesAre},
		{`^该笔原为 "([^"]+)"$`, s.saleWas},
		{`^该笔尚欠款$`, s.owed},
		{`^该笔已由 "([^"]+)" 结清$`, s.settledBy},
		{`^该笔与 (\d+) 号枪的凭条一致, 精确到分和 0.01 (?:升|公斤|立方米)$`, s.saleFitsReceipt},
		{`^该笔的 TAC 已由中心验证$`, s.tacHolds},
		{`^该笔已入账$`, s.posted},
		{`^该笔的单价为 ([\d.]+) 元$`, s.salePrice},
		{`^(\d+) 号枪的累计数增加了账上各笔的升数之和$`, s.totalFits},
		{`^账户 "([^"]+)" 余额 ([\d.]+) 元$`, s.accountIs},
		{`^隔离区有 (\d+) 条记录$`, s.quarantined},
		{`^加油站的日志校验无误$`, s.audit},
		{`^各笔流水号互不相同$`, s.distinct},
	}...)
}

// kinds are the records that people call a sale, by the type that the wire carries.
var kinds = map[string]int{"正常加油": 0, "逃卡": 1}

// books waits until all is posted and lists what the center shows, oldest first.
func (s *Scene) books() ([]world.SaleShown, error) {
	if err := s.Town.Settle(calm); err != nil {
		return nil, err
	}
	return s.Town.Query().Sales(station)
}

func (s *Scene) salesAre(n int) error {
	list, err := s.books()
	if err != nil {
		return err
	}
	if len(list) > 0 {
		s.last = list[len(list)-1]
	}
	if len(list) != n {
		return fmt.Errorf("中心账上有 %d 笔, 应为 %d 笔 (sales at the center, want): %+v", len(list), n, list)
	}
	return nil
}

func (s *Scene) saleWas(kind string) error {
	t, known := kinds[kind]
	if !known {
		return fmt.Errorf("没有 %q 这种交易 (no such kind)", kind)
	}
	return first(s.known, func() error { return want("交易类型", s.last.TType&0x0F, t) })
}

func (s *Scene) owed() error {
	return first(s.known, func() error { return want("状态", s.last.State, "owed") })
}

// settlements are how the center says that a receivable was settled.
var settlements = map[string]string{"补扣": "top-up-debit", "补充": "supplement", "联机解扣": "online-unlock"}

func (s *Scene) settledBy(how string) error {
	word, known := settlements[how]
	if !known {
		return fmt.Errorf("没有 %q 这种结清 (no such settlement)", how)
	}
	return first(s.known,
		func() error { return want("状态", s.last.State, "settled") },
		func() error { return want("结清方式", s.last.Settled, word) })
}

func (s *Scene) known() error {
	if s.last.Sale == "" {
		return errUnseen
	}
	return nil
}

// saleFitsReceipt compares what the customer took home with what the center has booked, field by field.
func (s *Scene) saleFitsReceipt(n int) error {
	r, err := s.receipt(n)
	if err != nil {
		return err
	}
	x := s.last
	word, _ := x.Unit.Words()
	terminal := r["流水"][strings.LastIndexByte(r["流水"], ' ')+1:]
	return first(
		s.known,
		func() error { return want("金额", r["金额"], x.Amount.String()+" 元") },
		func() error { return want("数量", r["数量"], x.Quantity.String()+" "+word) },
		func() error { return want("单价", r["单价"], x.Price.String()+" 元/"+word) },
		func() error {
			if x.Settled != "" { // the books keep the balance at the lock; the receipt has that after the debit
				return want("余额", r["余额"], (x.Balance-x.Amount).String()+" 元")
			}
			return want("余额", r["余额"], x.Balance.String()+" 元")
		},
		func() error { return want("终端与流水", terminal, fmt.Sprintf("%s-%d", x.TID, x.TTC)) },
		func() error { return want("TAC", r["TAC"], x.DebitTAC) },
	)
}

func (s *Scene) tacHolds() error {
	return first(s.known, func() error { return want("TAC 验证", s.last.TACOK, true) })
}

func (s *Scene) posted() error {
	return first(s.known, func() error { return want("入账", s.last.Posted, true) })
}

func (s *Scene) salePrice(text string) error {
	p, err := unit.ParsePrice(text)
	if err != nil {
		return err
	}
	return first(s.known, func() error { return want("单价", s.last.Price, p) })
}

// totalFits: the meter has moved by what was sold.
func (s *Scene) totalFits(n int) error {
	before, seen := s.totals[nozzle(n)]
	if !seen {
		return fmt.Errorf("%d 号枪没有插过卡 (no card was inserted there)", n)
	}
	list, err := s.books()
	if err != nil {
		return err
	}
	var sum unit.Quantity
	for _, x := range list {
		sum += x.Quantity
	}
	if sum == 0 {
		return fmt.Errorf("账上没有升数 (no litres in the books)")
	}
	return want("累计数增量", s.display(n).Total.Since(before), sum)
}

func (s *Scene) accountIs(account, text string) error {
	m, err := money(text)
	if err != nil {
		return err
	}
	if err := s.Town.Settle(calm); err != nil {
		return err
	}
	got, err := s.Town.Query().Account(account)
	if err != nil {
		return err
	}
	return want("账户 "+account, got, m)
}

func (s *Scene) quarantined(n int) error {
	if err := s.Town.Settle(calm); err != nil {
		return err
	}
	list, err := s.Town.Query().Quarantine()
	if err != nil {
		return err
	}
	if len(list) != n {
		return fmt.Errorf("隔离区有 %d 条, 应为 %d 条 (quarantined, want): %+v", len(list), n, list)
	}
	return nil
}

func (s *Scene) audit() error { return s.Town.Query().Audit(station) }

func (s *Scene) distinct() error {
	if err := s.Town.Settle(calm); err != nil {
		return err
	}
	status, body, err := s.Town.Operator().Command(station, stationprogram.PathSales, stationprogram.AskSales{Limit: 500})
	if err != nil {
		return err
	}
	var all stationprogram.Sales
	if err := json.Unmarshal(body, &all); err != nil {
		return err
	}
	if status != http.StatusOK || len(all.Sales) == 0 {
		return fmt.Errorf("加油站没有给出记录 (the station shows no records): %d %s", status, body)
	}
	seen := map[[2]any]bool{}
	for _, x := range all.Sales {
		key := [2]any{x.Port, x.POSTTC}
		if seen[key] {
			return fmt.Errorf("端口 %d 的流水号 %d 存了两次 (kept twice)", x.Port, x.POSTTC)
		}
		seen[key] = true
	}
	return nil
}
