package station

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// TestWhy: what a holder is told, by what is in the own journal and what the center says.
func TestWhy(t *testing.T) {
	t.Parallel()
	escape := sale(1)
	escape.Type, escape.GMAC = fa.Escape, pboc.MAC{5, 6, 7, 8}
	debit := sale(2)
	debit.Type, debit.TTC = fa.TopUpDebit, escape.TTC
	lied := sale(1)
	lied.Amount += 5000
	at := escape.Time.String()
	for _, c := range []struct {
		name    string
		records []fa.Record
		center  *record.WhyAnswer // nil: not reached
		state   string
		owed    int // -1: not known
		says    string
	}{
		{"owed here", []fa.Record{escape}, &record.WhyAnswer{State: "owed", Site: "0001", Time: at, Amount: 7850}, "owed", 7850, "插进本站任一加油机"},
		{"owed here, center silent", []fa.Record{escape}, nil, "owed", 7850, "只按本站的记录"},
		{"owed here, record not yet at the center", []fa.Record{escape}, &record.WhyAnswer{State: "paid", Time: "earlier"}, "owed", 7850, "补扣"},
		{"settled elsewhere", []fa.Record{escape}, &record.WhyAnswer{State: "paid", Site: "0001", Time: at, Settled: "online-unlock"}, "paid", 0, "不欠款"},
		{"paid here", []fa.Record{escape, debit}, &record.WhyAnswer{State: "paid", Time: at}, "paid", 0, "不欠款"},
		{"paid here, owed elsewhere since", []fa.Record{sale(1)}, &record.WhyAnswer{State: "owed", Site: "0002", SiteName: "西门站", Time: "later", Amount: 4200}, "owed", 4200, "代原站补扣"},
		{"owed elsewhere", nil, &record.WhyAnswer{State: "owed", Site: "0002", SiteName: "西门站", Time: at, Amount: 4200}, "owed", 4200, "西门站"},
		{"nowhere", nil, &record.WhyAnswer{State: "nothing"}, "nothing", -1, "48 小时"},
		{"nobody to ask", nil, nil, "unreachable", -1, "还不知道"},
		{"of another company", nil, &record.WhyAnswer{State: "unknown"}, "unknown", -1, "不是本公司"},
		{"blocked", nil, &record.WhyAnswer{State: "paid", Time: at, Blocked: "block"}, "paid", 0, "已被锁定"},
		{"in dispute", []fa.Record{lied}, &record.WhyAnswer{State: "paid", Time: at}, "disputed", -1, "小票"},
		{"in dispute, then read again", []fa.Record{lied, sale(1)}, &record.WhyAnswer{State: "paid", Time: at}, "paid", 0, "不欠款"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := laidOut(t)
			r.bring(c.records...)
			r.call = nil
			r.c.Serve(r.now, 7, PathWhy, []byte(`{"asn":"`+escape.ASN.Digits()+`"}`))
			r.take()
			for _, x := range r.call {
				if x.Path != record.PathAskWhy {
					continue
				}
				if c.center == nil {
					r.c.Answered(r.now, x.ID, 0, nil, errors.New("no route"))
				} else {
					body, err := json.Marshal(c.center)
					if err != nil {
						t.Fatal(err)
					}
					r.c.Answered(r.now, x.ID, http.StatusOK, body, nil)
				}
			}
			r.take()
			var w Why
			if err := json.Unmarshal(r.last.Body, &w); err != nil || r.last.ID != 7 {
				t.Fatalf("%d %s", r.last.ID, r.last.Body)
			}
			owed := -1
			if w.Owed != nil {
				owed = int(*w.Owed)
			}
			text := strings.Join(w.Zh, "\n")
			if w.State != c.state || owed != c.owed || !strings.Contains(text, c.says) || len(w.Zh) != len(w.En) {
				t.Errorf("%+v", w)
			}
			if strings.Contains(text, escape.ASN.Digits()) || w.ASN == escape.ASN.Digits() {
				t.Error("the whole number of the card is shown")
			}
		})
	}
}
