package steps

import (
	"errors"
	"fmt"
	"time"

	"greylock/system/center"
	stationprogram "greylock/system/station"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// listSteps are the black and the white list.
func (s *Scene) listSteps() []Step {
	return []Step{
		{`^中心把 "([^"]+)" 列入(黑名单|白名单), 原因 "([^"]+)"$`, s.list},
		{`^中心把 (\d+) 张外系统的卡列入黑名单$`, s.listStrangers},
		{`^"([^"]+)" 和 "([^"]+)" 把 "([^"]+)" 撤出黑名单, 原因 "([^"]+)"$`, s.unlist},
		{`^"([^"]+)" 一人不能把 "([^"]+)" 撤出黑名单$`, s.unlistAlone},
		{`^加油站在 (\d+) 秒内用上了新名单$`, s.listsArrive},
		{`^(\d+) 号枪在 (\d+) 秒内用上了站内名单$`, s.boardHasLists},
		{`^(\d+) 号枪还没有用上站内名单$`, s.boardLacksLists},
		{`^加油站的黑名单有 (\d+) 张, 新增 (\d+) 张, 新删 (\d+) 张$`, s.listSizes},
		{`^加油站的名单状态为 "([^"]+)"$`, s.listState},
		{`^加油站的名单已有 (\d+) 到 (\d+) 秒未更新$`, s.listAge},
		{`^发往加油站的名单将在途中被改 (\d+) 次$`, s.alterLists},
		{`^中心查得 "([^"]+)" 在黑名单, 原因 "([^"]+)", 加油站(已知|未知)$`, s.queryList},
		{`^中心查得 "([^"]+)" 已撤出黑名单, 复核人 "([^"]+)"$`, s.queryUnlisted},
		{`^中心账上有 (\d+) 笔加油, 另有 (\d+) 次黑名单灰锁$`, s.salesAndHolds},
		{`^联机解扣被拒绝, 因为 "([^"]+)"$`, s.unlockRefused},
		{`^(\d+) 号枪的电源断开$`, s.powerCut},
		{`^(\d+) 号枪的电源恢复$`, s.powerOn},
	}
}

var listTopics = map[string]record.Topic{"黑名单": record.TopicBlack, "白名单": record.TopicWhite}

func (s *Scene) list(card, list, reason string) error {
	return s.Town.Operator().List(listTopics[list], reason, card)
}

func (s *Scene) listStrangers(n int) error { return s.Town.Operator().ListStrangers(n) }

func (s *Scene) unlist(one, other, card, reason string) error {
	return s.Town.Operator().Unlist(record.TopicBlack, card, [2]string{one, other}, reason)
}

func (s *Scene) unlistAlone(one, card string) error {
	if s.Town.Operator().Unlist(record.TopicBlack, card, [2]string{one, one}, "一个人") == nil {
		return errors.New("一人就撤出了黑名单 (one person was enough)")
	}
	return nil
}

func (s *Scene) shownLists() (stationprogram.ListsStatus, error) {
	return s.Town.Operator().Lists(station)
}

// listsArrive: the station works by the versions of the center.
func (s *Scene) listsArrive(seconds int) error {
	var all center.Lists
	if err := s.command(record.Center, center.PathLists, struct{}{}, &all); err != nil {
		return err
	}
	var last stationprogram.ListsStatus
	return s.until(func() (bool, error) {
		var err error
		last, err = s.shownLists()
		return last.Black.Version == all.Lists[0].Version && last.White.Version == all.Lists[1].Version, err
	}, seconds, func() string { return fmt.Sprintf("站内 %+v, 中心 %+v", last, all) })
}

// until waits for what may fail to be asked.
func (s *Scene) until(cond func() (bool, error), seconds int, seen func() string) error {
	var failed error
	err := s.Town.Until("名单", func() bool {
		ok, err := cond()
		failed = err
		return ok || err != nil
	}, time.Duration(seconds)*time.Second)
	if failed != nil {
		return failed
	}
	if err != nil {
		return fmt.Errorf("%s: %w", seen(), err)
	}
	return nil
}

func (s *Scene) board(n int) (bool, error) {
	l, err := s.shownLists()
	if err != nil {
		return false, err
	}
	for _, b := range l.Boards {
		if b.Port == n { // nozzle i hangs on port i
			return b.Current, nil
		}
	}
	return false, fmt.Errorf("没有 %d 号枪的主板 (no board there)", n)
}

func (s *Scene) boardHasLists(n, seconds int) error {
	return s.until(func() (bool, error) { return s.board(n) }, seconds, func() string { return fmt.Sprintf("%d 号枪", n) })
}

func (s *Scene) boardLacksLists(n int) error {
	has, err := s.board(n)
	if err != nil {
		return err
	}
	return want("用上了站内名单", has, false)
}

func (s *Scene) listSizes(count, added, deleted int) error {
	l, err := s.shownLists()
	if err != nil {
		return err
	}
	return first(
		func() error { return want("张数", l.Black.Count, count) },
		func() error { return want("新增", l.Black.Added, added) },
		func() error { return want("新删", l.Black.Deleted, deleted) },
	)
}

func (s *Scene) listState(zh string) error {
	l, err := s.shownLists()
	if err != nil {
		return err
	}
	return want("名单状态", l.Zh, zh)
}

func (s *Scene) listAge(from, to int) error {
	l, err := s.shownLists()
	if err != nil {
		return err
	}
	if age := time.Duration(l.Age) * time.Second; age < time.Duration(from)*time.Second || age > time.Duration(to)*time.Second {
		return fmt.Errorf("名单已 %v 未更新 (age)", age)
	}
	return nil
}

func (s *Scene) alterLists(times int) error { return s.Town.Faults().AlterDirective(station, times) }

func (s *Scene) cardNumber(card string) (pboc.ASN, error) {
	r, err := s.Town.Query().CardAtDesk(card)
	if err != nil {
		return pboc.ASN{}, err
	}
	return pboc.ParseASN(r.ASN)
}

func (s *Scene) onBlackList(card string) (center.CardListing, error) {
	asn, err := s.cardNumber(card)
	if err != nil {
		return center.CardListing{}, err
	}
	var a center.CardLists
	if err := s.command(record.Center, center.PathListQuery, center.AskCard{ASN: asn}, &a); err != nil {
		return center.CardListing{}, err
	}
	for _, l := range a.Lists {
		if l.List == record.TopicBlack {
			return l, nil
		}
	}
	return center.CardListing{}, errors.New("从未在黑名单 (never was on the list)")
}

func (s *Scene) queryList(card, reason, known string) error {
	l, err := s.onBlackList(card)
	if err != nil {
		return err
	}
	return first(
		func() error { return want("在名单上", l.On, true) },
		func() error { return want("原因", l.Reason, reason) },
		func() error { return want("加油站已知", len(l.Known) == 1, known == "已知") },
		func() error { return want("加油站未知", len(l.Unknown) == 1, known == "未知") },
	)
}

func (s *Scene) queryUnlisted(card, second string) error {
	l, err := s.onBlackList(card)
	if err != nil {
		return err
	}
	return first(
		func() error { return want("在名单上", l.On, false) },
		func() error { return want("复核人", l.Second, second) },
	)
}

// blackCode is the error code of a T-TYPE 9 record of a listed card. Source: dispenser.md 3.11.
const blackCode = "00000001"

// salesAndHolds: a grey hold is named in the books, moves nothing and is no sale.
func (s *Scene) salesAndHolds(sales, holds int) error {
	list, err := s.books()
	if err != nil {
		return err
	}
	for _, x := range list {
		switch {
		case x.TType&0x0F != cardError:
			s.last, sales = x, sales-1
		case x.TAC == blackCode && x.TTC != 0 && x.Amount == 0 && x.State == "cancelled":
			holds--
		}
	}
	if sales != 0 || holds != 0 {
		return fmt.Errorf("少 %d 笔加油, 少 %d 次灰锁 (missing): %+v", sales, holds, list)
	}
	return nil
}

// cardError is the T-TYPE of a record without a sale. Source: dispenser.md 3.6.
const cardError = 9

func (s *Scene) unlockRefused(code string) error {
	var r record.Refusal
	if !errors.As(s.refuse, &r) {
		return fmt.Errorf("联机解扣没有被拒绝 (not refused): %w", s.refuse)
	}
	return want("原因", r.Code, code)
}

// powerCut takes the power from a dispenser, of whichever family it is.
func (s *Scene) powerCut(n int) error {
	if s.hurt("dispenser %d: off", n) == nil {
		return nil
	}
	return s.hurt("plain %d: off", n)
}

func (s *Scene) powerOn(n int) error {
	return first(func() error { return s.heal("dispenser %d: off", n) }, func() error { return s.heal("plain %d: off", n) })
}
