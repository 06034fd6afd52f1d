package center

import (
	"greylock/system/alarm"
	"greylock/system/clock"
	"greylock/system/store"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// registers are what people look up: the sales by number, site and card, the statements, the alarms. They are views of the
// store. No decision is made on them; decisions are made on the books, which can be forked.
type registers struct {
	store  *store.Store
	books  *books
	alarms *alarm.List // of all sites
}

// entries that a fact makes in the registers. The books note them as they apply it.
type entries struct {
	sales      []saleRow
	statements []statementRow
	alarms     []alarmRow
	acks       []ackRow
}

type saleRow struct {
	No   int
	ID   string
	Site record.SiteID
	ASN  pboc.ASN
	Day  clock.BusinessDay
}

// alarmRow is an alarm in the journal of a site; number 0 is the fact's own in this journal.
type alarmRow struct {
	site record.SiteID
	seq  uint64
	fact record.Alarm
}

// ackRow is an acknowledgement and the site that wrote it.
type ackRow struct {
	where record.SiteID
	fact  record.AlarmAcknowledged
}

type statementRow struct {
	Account string
	No      int // from 1
	Line    StatementLine
}

var (
	saleTable = store.NewTable("sales",
		store.Index[saleRow]{Name: "site", Of: func(r saleRow) []string { return []string{store.Key(string(r.Site))} }},
		store.Index[saleRow]{Name: "day", Of: func(r saleRow) []string { return []string{dayIndex(r.Site, r.Day)} }},
		store.Index[saleRow]{Name: "card", Of: func(r saleRow) []string { return []string{store.Key(string(r.ASN[:]))} }})
	statementTable = store.NewTable[statementRow]("statements")
)

func numbered(n int) string { return store.Key(store.Number(uint64(n))) }

func newRegisters(b *books) registers {
	r := registers{books: b, alarms: &alarm.List{}}
	r.store = store.New(r)
	return r
}

// take shows a fact to the registers after the books have applied it.
func (r registers) take(seq uint64, f record.Fact) {
	if err := r.store.Apply(seq, f); err != nil {
		panic("center: registers: " + err.Error()) // facts come in order, and plain values always encode
	}
}

// Apply is the store.View.
func (r registers) Apply(tx *store.Tx, seq uint64, _ record.Fact) error {
	e := r.books.entries
	r.books.entries = entries{}
	for _, s := range e.sales {
		saleTable.Put(tx, numbered(s.No), s)
	}
	for _, l := range e.statements {
		statementTable.Put(tx, store.Key(l.Account)+numbered(l.No), l)
	}
	for _, a := range e.alarms {
		if a.seq == 0 {
			a.seq = seq
		}
		r.alarms.Raised(a.site, a.seq, a.fact)
	}
	for _, a := range e.acks {
		r.alarms.Acknowledged(a.where, a.fact)
	}
	return nil
}

// view looks into the registers.
func (r registers) view(look func(*store.Tx)) {
	if err := r.store.View(func(tx *store.Tx) error { look(tx); return nil }); err != nil {
		panic("center: registers: " + err.Error()) // rows are what Apply has written
	}
}

// salesBelow calls fn for sales with smaller numbers than before (0: all), newest first, until it returns false: those of a
// card or of a site if the question names one, else all.
func (r registers) salesBelow(q AskSales, fn func(saleRow) bool) {
	before := ""
	if q.Before > 0 {
		before = numbered(q.Before)
	}
	row := func(_ string, s saleRow) bool {
		return q.Site != "" && s.Site != q.Site || fn(s)
	}
	r.view(func(tx *store.Tx) {
		switch {
		case q.ASN != nil:
			saleTable.DescendBy(tx, "card", store.Key(string(q.ASN[:])), before, row)
		case q.Site != "":
			saleTable.DescendBy(tx, "site", store.Key(string(q.Site)), before, row)
		default:
			saleTable.Descend(tx, "", before, row)
		}
	})
}

func (r registers) statement(account string) []StatementLine {
	list := []StatementLine{}
	r.view(func(tx *store.Tx) {
		statementTable.Ascend(tx, store.Key(account), func(_ string, l statementRow) bool {
			list = append(list, l.Line)
			return true
		})
	})
	return list
}

func dayIndex(site record.SiteID, d clock.BusinessDay) string {
	return store.Key(string(site)) + numbered(int(d))
}

// salesOf calls fn for the sales of a site's business day, newest first.
func (r registers) salesOf(site record.SiteID, d clock.BusinessDay, fn func(saleRow)) {
	r.view(func(tx *store.Tx) {
		saleTable.DescendBy(tx, "day", dayIndex(site, d), "", func(_ string, row saleRow) bool {
			fn(row)
			return true
		})
	})
}
