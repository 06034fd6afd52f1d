package world

import (
	"encoding/json"
	"strings"
	"testing"

	"greylock/system/clock"
	"greylock/system/wire/fa"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// TestPriceCheckerCatches plants what M14 forbids, one violation in each run.
func TestPriceCheckerCatches(t *testing.T) {
	t.Parallel()
	order := func(c *checks, version uint64, effective, by string, p unit.Price) {
		t.Helper()
		list := []record.Price{{Product: "1031", Price: p}}
		body, err := json.Marshal(record.PriceTable{Effective: effective, Now: list, Next: list})
		if err != nil {
			t.Fatal(err)
		}
		line, err := json.Marshal(record.Directive{Site: "0001", Topic: record.TopicPrices, Version: version, Body: body})
		if err != nil {
			t.Fatal(err)
		}
		c.issued(record.DirectiveIssued{Directive: record.DirectiveLine{Line: string(line)}, By: by})
	}
	at := clock.At(2026, 11, 22, 12, 0, 0)
	sale := fa.Record{Type: fa.Fuelling, Time: fa.StampOf(at.Civil()), Product: fa.Product{0x10, 0x31}, Price: 785, Volume: 100}
	for _, x := range []struct {
		name, want string
		do         func(c *checks)
	}{
		{"honest", "", func(c *checks) { c.soldBy("0001", record.DispenserRecord{Port: 1, PriceVersion: 1}, sale) }},
		{"changed by one person", "alone", func(c *checks) { order(c, 2, "202611221300", "王经理", 799) }},
		{"changed by one person twice", "alone", func(c *checks) { order(c, 2, "202611221300", "王经理 + 王经理", 799) }},
		{"no version", "the station says 0", func(c *checks) { c.soldBy("0001", record.DispenserRecord{Port: 1}, sale) }},
		{"another version", "the station says 7", func(c *checks) { c.soldBy("0001", record.DispenserRecord{Port: 1, PriceVersion: 7}, sale) }},
		{"older than acknowledged", "acknowledged was 2", func(c *checks) {
			order(c, 2, "202611221100", "王经理 + 李经理", 799)
			c.pricing.acks[ackKey{"0001", 1}] = []record.PriceAcknowledged{{TimeMs: at.Milli() - 1, Port: 1, Version: 2}}
			c.soldBy("0001", record.DispenserRecord{Port: 1, PriceVersion: 1}, sale)
		}},
	} {
		c := newChecks()
		order(c, 1, "202611220800", "王经理", 785)
		x.do(c)
		if got := c.broken[inv14]; (got == "") != (x.want == "") || !strings.Contains(got, x.want) {
			t.Errorf("%s: %q, want %q", x.name, got, x.want)
		}
	}
}
